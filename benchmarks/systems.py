"""The systems that compete: how each makes the derivative of a problem, as a call without arguments."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

import dualgrad
from benchmarks.problem import Data, Derivative, Problem, Variables, arrays_of

Call = Callable[[], Any]


def mapped(f: Callable[[Any], Any], values: Any) -> Any:
    """Return the values with `f` applied to every array; other numbers stay what they are."""
    if isinstance(values, dict):
        return {name: mapped(f, value) for name, value in values.items()}
    if isinstance(values, tuple):
        return tuple(mapped(f, value) for value in values)
    return f(values) if isinstance(values, (np.ndarray, np.generic)) else values


class System(ABC):
    """A way to differentiate. `prepare` does what is done once; the call that it returns is timed."""

    name: ClassVar[str]
    package: ClassVar[str]
    # Whether tracemalloc sees the arrays.
    traced: ClassVar[bool] = False

    def __init__(self, threads: int = 1) -> None:
        self.threads = threads

    def version(self) -> str:
        return importlib.metadata.version(self.package)

    @abstractmethod
    def prepare(self, problem: Problem, x: Variables, data: Data) -> Call | None:
        """Return the derivative as a call, or None where the system does not take part."""

    def arrays(self, answer: Any) -> tuple[np.ndarray[Any, Any], ...]:
        """Return an answer as arrays of NumPy."""
        return tuple(np.asarray(array) for array in arrays_of(answer))


class Dualgrad(System):
    """This package: the problem is called with NumPy itself."""

    name = package = "dualgrad"
    traced = True

    def prepare(self, problem: Problem, x: Variables, data: Data) -> Call:
        def f(x: Variables) -> Any:
            return problem.function(np, x, data)

        def hvp() -> Any:
            return dualgrad.hvp(f, (x,), (data["direction"],))[1]

        def blocks() -> Any:
            pullback = dualgrad.vjp(f, x)[1]
            return [pullback(ct) for ct in data["cotangents"]]

        match problem.derivative:
            case Derivative.HVP:
                return hvp
            case Derivative.BLOCKS:
                return blocks
            case Derivative.HESSIAN:
                derivative: Callable[[Variables], Any] = dualgrad.hessian(f)
            case Derivative.JACOBIAN | Derivative.ROWS:
                derivative = dualgrad.jacobian(f)
            case Derivative.MAPPED:
                derivative = dualgrad.vmap(dualgrad.jacfwd(f))
            case Derivative.SPARSE:
                # The pattern and its colours are found once, as others compile once.
                derivative = dualgrad.sparse.plan_jacobian(f, x)
            case Derivative.GRADIENT:
                derivative = dualgrad.grad(f)
        return lambda: derivative(x)

    def arrays(self, answer: Any) -> tuple[np.ndarray[Any, Any], ...]:
        return super().arrays(answer.toarray() if hasattr(answer, "toarray") else answer)


class Autograd(System):
    """HIPS autograd: the problem is called with `autograd.numpy`."""

    name = package = "autograd"
    traced = True

    def prepare(self, problem: Problem, x: Variables, data: Data) -> Call:
        autograd = importlib.import_module("autograd")
        anp = importlib.import_module("autograd.numpy")
        core = importlib.import_module("autograd.core")

        def f(x: Variables) -> Any:
            return problem.function(anp, x, data)

        def hvp() -> Any:
            return autograd.make_hvp(f)(x)[0](data["direction"])

        def blocks() -> Any:
            pullback = core.make_vjp(f, x)[0]
            return [pullback(ct) for ct in data["cotangents"]]

        def jacobian() -> Any:
            # autograd.jacobian would sweep once for each of the many outputs.
            push = autograd.make_jvp(f)(x)
            return np.stack([push(basis)[1] for basis in np.eye(x.size)], axis=-1)

        match problem.derivative:
            case Derivative.HVP:
                return hvp
            case Derivative.BLOCKS:
                return blocks
            case Derivative.JACOBIAN:
                return jacobian
            case Derivative.MAPPED:
                each = autograd.jacobian(f)
                return lambda: np.stack([each(member) for member in x])
            case Derivative.ROWS | Derivative.SPARSE:
                derivative: Callable[[Variables], Any] = autograd.jacobian(f)
            case Derivative.HESSIAN:
                derivative = autograd.hessian(f)
            case Derivative.GRADIENT:
                derivative = autograd.grad(f)
        return lambda: derivative(x)


class Torch(System):
    """PyTorch, eager: the variables are leaves that require gradients, made once, as parameters of a model are."""

    name, package = "PyTorch", "torch"

    def prepare(self, problem: Problem, x: Variables, data: Data) -> Call:
        torch = importlib.import_module("torch")
        torch.set_num_threads(self.threads)

        def tensor(array: Any) -> Any:
            return torch.from_numpy(np.array(array))

        x, data = mapped(tensor, x), mapped(tensor, data)
        write = problem.torch or problem.function
        leaves = arrays_of(x)

        def f(x: Variables) -> Any:
            return write(torch, x, data)

        def require_gradients() -> None:
            for leaf in leaves:
                leaf.requires_grad_()

        def gradient() -> Any:
            return torch.autograd.grad(f(x), leaves)

        def hvp() -> Any:
            first = torch.autograd.grad(f(x), leaves, create_graph=True)
            return torch.autograd.grad(first, leaves, grad_outputs=data["direction"])

        def blocks() -> Any:
            value = f(x)
            first, second = data["cotangents"]
            return (
                torch.autograd.grad(value, leaves, grad_outputs=first, retain_graph=True),
                torch.autograd.grad(value, leaves, grad_outputs=second),
            )

        match problem.derivative:
            case Derivative.HESSIAN:
                hessian = torch.func.hessian(f)
                return lambda: hessian(x)
            case Derivative.JACOBIAN | Derivative.SPARSE:
                jacobian = torch.func.jacfwd(f)
                return lambda: jacobian(x)
            case Derivative.ROWS:
                by_rows = torch.func.jacrev(f)
                return lambda: by_rows(x)
            case Derivative.MAPPED:
                mapped_jacobian = torch.func.vmap(torch.func.jacfwd(f))
                return lambda: mapped_jacobian(x)
            case Derivative.HVP:
                call: Call = hvp
            case Derivative.BLOCKS:
                call = blocks
            case Derivative.GRADIENT:
                call = gradient
        require_gradients()
        return call


class Jax(System):
    """JAX, compiled, in double precision: data are arguments, so that they are not folded into the program."""

    name, package = "JAX", "jax"

    def prepare(self, problem: Problem, x: Variables, data: Data) -> Call:
        jax = importlib.import_module("jax")
        jax.config.update("jax_enable_x64", True)
        # Numbers and flags steer the program; only arrays may be arguments.
        arrays = {name: value for name, value in data.items() if isinstance(value, (np.ndarray, tuple))}
        x, arrays = mapped(jax.numpy.asarray, x), mapped(jax.numpy.asarray, arrays)

        def f(x: Variables, arrays: Data) -> Any:
            everything = {**data, **arrays}
            return problem.jax(jax, x, everything) if problem.jax else problem.function(jax.numpy, x, everything)

        def hvp(x: Variables, arrays: Data) -> Any:
            return jax.jvp(lambda x: jax.grad(f)(x, arrays), (x,), (arrays["direction"],))[1]

        def blocks(x: Variables, arrays: Data) -> Any:
            pullback = jax.vjp(lambda x: f(x, arrays), x)[1]
            return [pullback(ct) for ct in arrays["cotangents"]]

        match problem.derivative:
            case Derivative.HVP:
                derivative: Callable[..., Any] = hvp
            case Derivative.BLOCKS:
                derivative = blocks
            case Derivative.HESSIAN:
                derivative = jax.hessian(f)
            case Derivative.JACOBIAN | Derivative.SPARSE:
                derivative = jax.jacfwd(f)
            case Derivative.ROWS:
                derivative = jax.jacrev(f)
            case Derivative.MAPPED:
                derivative = jax.vmap(jax.jacfwd(f), (0, None))
            case Derivative.GRADIENT:
                derivative = jax.grad(f)
        compiled = jax.jit(derivative)
        return lambda: jax.block_until_ready(compiled(x, arrays))


class Hand(System):
    """Derivatives worked out with pencil and paper, in plain NumPy."""

    name, package = "hand", "numpy"
    traced = True

    def prepare(self, problem: Problem, x: Variables, data: Data) -> Call | None:
        by_hand = problem.hand
        if by_hand is None:
            return None
        return lambda: by_hand(x, data)


class Function(System):
    """No derivative at all: the function alone, called with NumPy. Its values are needed by most derivatives."""

    name, package = "function", "numpy"
    traced = True

    def prepare(self, problem: Problem, x: Variables, data: Data) -> Call:
        if problem.derivative is Derivative.MAPPED:
            # One member at a time, for there is no other way to call it.
            return lambda: [problem.function(np, member, data) for member in x]
        return lambda: problem.function(np, x, data)

    def arrays(self, answer: Any) -> tuple[np.ndarray[Any, Any], ...]:
        return ()


SYSTEMS: dict[str, type[System]] = {system.name: system for system in (Dualgrad, Autograd, Torch, Jax, Hand, Function)}


def is_installed(name: str) -> bool:
    return importlib.util.find_spec(SYSTEMS[name].package) is not None
