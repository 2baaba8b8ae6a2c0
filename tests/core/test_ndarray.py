"""Every public name of ndarray, on a traced array: it does what NumPy does, or raises an error that says what to write."""

from __future__ import annotations

import copy
import inspect
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualgrad import grad, jvp, vjp, vmap
from dualgrad._array.array import TracedArray
from dualgrad._trace.level import Tracer, plain
from dualgrad.errors import BatchLoopWarning, ConversionError

M = np.array([[1.5, 3.0, 2.0], [0.5, 6.5, 5.0]])
ROW = np.array([2.5, 0.5, 1.5])


def written(write: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function that changes its argument in place, and returns it."""

    def function(x: Any) -> Any:
        y = x.copy()
        write(y)
        return y

    return function


DOES: dict[str, list[Callable[[Any], Any]]] = {
    "T": [lambda x: x.T],
    "all": [lambda x: x.all(0), lambda x: (x > 1).all(1, keepdims=True), lambda x: x.all(axis=1, where=x > 1)],
    "any": [lambda x: x.any(0), lambda x: (x > 6).any(1, keepdims=True), lambda x: x.any(axis=1, where=x > 6)],
    "argmax": [lambda x: x.argmax(), lambda x: x.argmax(1, None, keepdims=True)],
    "argmin": [lambda x: x.argmin(), lambda x: x.argmin(1, None, keepdims=True)],
    "argpartition": [lambda x: x.argpartition(1, 1, "introselect")[:, 1]],
    "argsort": [lambda x: x.argsort(), lambda x: x.argsort(0, "stable"), lambda x: x.argsort(stable=True)],
    "astype": [lambda x: x.astype(np.float32), lambda x: x.astype(float, "C", "safe", True, False)],
    "choose": [lambda x: (x > 2).astype(int).choose([M, -M]), lambda x: (x > 9).astype(int).choose([M], mode="clip")],
    "clip": [lambda x: x.clip(1, 5), lambda x: x.clip(max=4), lambda x: x.clip(1, 5, None)],
    "compress": [lambda x: x.compress([True, False], 0), lambda x: x.compress([False, True, True], axis=1)],
    "conj": [lambda x: x.conj()],
    "conjugate": [lambda x: x.conjugate(), lambda x: (x + 2j * x).conjugate()],
    "copy": [lambda x: x.copy(), lambda x: x.copy("F"), lambda x: copy.copy(x), lambda x: copy.deepcopy(x)],
    "cumprod": [lambda x: x.cumprod(), lambda x: x.cumprod(1, float)],
    "cumsum": [lambda x: x.cumsum(), lambda x: x.cumsum(1, float), lambda x: x.cumsum(axis=0)],
    "device": [lambda x: x * (x.device == "cpu")],
    "diagonal": [lambda x: x.diagonal(), lambda x: x.diagonal(1), lambda x: x.diagonal(offset=-1, axis1=1, axis2=0)],
    "dot": [lambda x: x.dot(ROW), lambda x: x.dot(x.T)],
    "dtype": [lambda x: x * x.dtype.itemsize],
    "fill": [written(lambda x: x.fill(2.0)), written(lambda x: x.fill(x[0, 0]))],
    "flags": [lambda x: x * x.flags.writeable],
    "flat": [lambda x: np.stack(list(x.flat)), lambda x: x.flat[2]],
    "flatten": [lambda x: x.flatten(), lambda x: x.flatten("F")],
    "imag": [lambda x: x.imag + x],
    "itemsize": [lambda x: x * x.itemsize],
    "mT": [lambda x: x.mT],
    "max": [lambda x: x.max(), lambda x: x.max(1, None, keepdims=True), lambda x: x.max(0, initial=2, where=x > 1)],
    "mean": [lambda x: x.mean(), lambda x: x.mean(1, float), lambda x: x.mean((0, 1), keepdims=True)],
    "min": [lambda x: x.min(), lambda x: x.min(1, None, keepdims=True), lambda x: x.min(0, initial=2, where=x > 1)],
    "nbytes": [lambda x: x * x.nbytes],
    "ndim": [lambda x: x * x.ndim],
    "nonzero": [lambda x: np.stack((x[0] > -9).nonzero())],
    "partition": [written(lambda x: x.partition(1)), written(lambda x: x.partition(0, 1, "introselect"))],
    "prod": [lambda x: x.prod(), lambda x: x.prod(1, float), lambda x: x.prod(0, initial=2, where=x > 1)],
    "put": [written(lambda x: x.put([0, 4], [7.0, 8.0])), written(lambda x: x.put(9, x[0, 0], "clip"))],
    "ravel": [lambda x: x.ravel(), lambda x: x.ravel("F")],
    "real": [lambda x: x.real * x],
    "repeat": [lambda x: x.repeat(2), lambda x: x.repeat([1, 2], 0)],
    "reshape": [lambda x: x.reshape(3, 2), lambda x: x.reshape((3, -1), order="F"), lambda x: x.reshape(6)],
    "round": [lambda x: x.round(), lambda x: x.round(1, None), lambda x: x.sum().round()],
    "searchsorted": [lambda x: x[1].searchsorted(1.0), lambda x: x[0].searchsorted(2.0, "left", x[0].argsort())],
    "shape": [lambda x: x * x.shape[0]],
    "size": [lambda x: x * x.size],
    "sort": [written(lambda x: x.sort()), written(lambda x: x.sort(0, "stable")), written(lambda x: x.sort(axis=0))],
    "squeeze": [lambda x: x[None].squeeze(), lambda x: x[:, None].squeeze(1)],
    "std": [lambda x: x.std(), lambda x: x.std(1, float, None, 1), lambda x: x.std(0, keepdims=True)],
    "sum": [lambda x: x.sum(), lambda x: x.sum(1, float), lambda x: x.sum(0, initial=2, where=x > 1)],
    "swapaxes": [lambda x: x.swapaxes(0, 1)],
    "take": [lambda x: x.take([0, 4]), lambda x: x.take([0, 2], 1), lambda x: x.take([7], 0, None, "wrap")],
    "to_device": [lambda x: x.to_device("cpu")],
    "tolist": [lambda x: np.stack(x.sum(0).tolist())],
    "trace": [lambda x: x.trace(), lambda x: x.trace(1, 1, 0, float)],
    "transpose": [lambda x: x.transpose(), lambda x: x.transpose(1, 0), lambda x: x.transpose((0, 1))],
    "var": [lambda x: x.var(), lambda x: x.var(1, float, None, 1), lambda x: x.var(0, keepdims=True)],
    "view": [lambda x: x.view()],
}
"""Calls of what a traced array has as NumPy's: the value is NumPy's, in every mode."""

REFUSES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "base": (lambda x: x.base, r"x\.copy\(\)"),
    "byteswap": (lambda x: x.byteswap(), r"x\.astype\(dtype\)"),
    "ctypes": (lambda x: x.ctypes, "custom_vjp"),
    "data": (lambda x: x.data, "stop_gradient"),
    "dump": (lambda x: x.dump("file"), r"stop_gradient\(x\)\.dump"),
    "dumps": (lambda x: x.dumps(), r"stop_gradient\(x\)\.dumps"),
    "getfield": (lambda x: x.getfield(float), r"np\.real\(x\)"),
    "item": (lambda x: x[0, 0].item(), "Use x as it is|Use NumPy.s functions"),
    "resize": (lambda x: x.resize(3, 2), r"np\.resize"),
    "setfield": (lambda x: x.setfield(1.0, float), r"x\[\.\.\.\] = value"),
    "setflags": (lambda x: x.setflags(write=False), r"x\.copy\(\)"),
    "strides": (lambda x: x.strides, "sliding_window_view"),
    "tobytes": (lambda x: x.tobytes(), r"stop_gradient\(x\)\.tobytes"),
    "tofile": (lambda x: x.tofile(io.BytesIO()), r"stop_gradient\(x\)\.tofile"),
    "tostring": (lambda x: x.tostring(), r"stop_gradient\(x\)\.tobytes"),
}
"""Calls of what asks for the memory of an array, or for plain numbers, and what the error says to write."""

PROTOCOLS = {
    "__array__": "NumPy would take what it gets for plain numbers; it makes an array of objects instead, which is gathered",
    "__array_struct__": "the same",
    "__array_finalize__": "of subclasses of ndarray",
    "__array_wrap__": "of subclasses of ndarray",
    "__array_priority__": "of what has no __array_ufunc__",
    "__buffer__": "memory that holds no derivative: memoryview(x) says that it finds none",
    "__class_getitem__": "of annotations: a traced array is annotated as the array it stands for",
    "__setstate__": "of pickles: __reduce_ex__ makes none",
}
"""What a traced array leaves out, and why."""


def names_of_ndarray() -> list[str]:
    # NumPy 2.0 names some that raise when asked for, NumPy 2.5 some of its own use.
    return [name for name in dir(np.ndarray) if hasattr(M, name) and (name[0] != "_" or name[1] == "_")]


def outcome(f: Callable[[Any], Any], mode: str) -> Any:
    """Return the value that a function has in a mode."""
    found: list[Any] = []

    def traced(x: Any) -> Any:
        found.append(f(x))
        return x.sum()

    if mode == "vjp":
        vjp(traced, M)
    elif mode == "jvp":
        jvp(traced, (M,), (np.ones_like(M),))
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", BatchLoopWarning)
            vmap(traced)(np.stack([M, M]))
        return np.asarray(plain(found[0]))[0] if isinstance(found[0], Tracer) else found[0]
    return np.asarray(plain(found[0]))


def test_a_traced_array_has_every_name_that_an_ndarray_has() -> None:
    missing = {name for name in names_of_ndarray() if not hasattr(TracedArray, name)}

    # Python 3.12 names the protocol of buffers.
    assert missing | {"__buffer__"} == PROTOCOLS.keys()


def test_every_public_name_is_tried() -> None:
    public = {name for name in names_of_ndarray() if not name.startswith("_")}

    assert public - {"tostring"} == (DOES.keys() | REFUSES.keys()) - {"tostring"}


@pytest.mark.parametrize("mode", ["vjp", "jvp", "vmap"])
@pytest.mark.parametrize("name", DOES)
def test_what_it_does_is_what_numpy_does(name: str, mode: str) -> None:
    for f in DOES[name]:
        if (name, mode) == ("nonzero", "vmap"):
            # How many there are differs between the members.
            with pytest.raises(ConversionError, match=r"Write np\.where"):
                outcome(f, mode)
            continue
        found, expected = outcome(f, mode), np.asarray(f(M))
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(found, expected, rtol=1e-14)


@pytest.mark.parametrize("mode", ["vjp", "jvp", "vmap"])
@pytest.mark.parametrize("name", REFUSES)
def test_what_it_refuses_says_what_to_write(name: str, mode: str) -> None:
    f, advice = REFUSES[name]

    with pytest.raises(ConversionError, match=advice):
        outcome(f, mode)


@pytest.mark.parametrize("name", DOES)
def test_parameters_have_numpys_names_and_order(name: str) -> None:
    try:
        wanted = inspect.signature(getattr(np.ndarray, name)).parameters
    except (TypeError, ValueError):
        return  # a property, or of a NumPy that does not say
    has = inspect.signature(getattr(TracedArray, name)).parameters
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    ordered = [p for p in has.values() if p.kind in positional]
    spread = {p.kind for p in has.values()}
    for place, p in enumerate([p for p in wanted.values() if p.kind in positional]):
        if p.kind is inspect.Parameter.POSITIONAL_OR_KEYWORD:
            assert ordered[place].name == p.name
        else:
            assert place < len(ordered)
    for p in wanted.values():
        if p.kind is inspect.Parameter.KEYWORD_ONLY:
            assert p.name in has or inspect.Parameter.VAR_KEYWORD in spread


def test_nothing_is_deleted() -> None:
    def f(x: Any) -> Any:
        del x[0]

    calls: list[Callable[[], Any]] = [lambda: f(M.copy()), lambda: grad(f)(M)]
    for call in calls:
        with pytest.raises(ValueError, match="cannot delete array elements"):
            call()


@pytest.mark.parametrize("shift", [lambda x: x.__ilshift__(2), lambda x: x.__irshift__(1)], ids=["<<=", ">>="])
def test_integers_of_a_batch_are_shifted_where_they_are(shift: Any) -> None:
    def f(x: Any) -> Any:
        y, *_ = both = x + 0, x
        view = y[1:]
        shift(y)
        return view, *both

    members = np.arange(12).reshape(2, 6)
    for found, *expected in zip(vmap(f)(members), *map(f, members), strict=True):
        np.testing.assert_array_equal(found, np.stack(expected))


def test_floats_are_not_shifted() -> None:
    def f(x: Any) -> Any:
        x <<= 1
        return x

    calls: list[Callable[[], Any]] = [lambda: f(M.copy()), lambda: grad(f)(M)]
    for call in calls:
        with pytest.raises(TypeError):
            call()


def test_it_names_numpy_as_its_namespace() -> None:
    def f(x: Any) -> Any:
        return x.__array_namespace__().sum(x.__array_namespace__(api_version="2022.12").sin(x))

    np.testing.assert_allclose(grad(f)(M), np.cos(M))
    with pytest.raises(ValueError, match="1066"):
        grad(lambda x: x.__array_namespace__(api_version="1066.10"))(M)


def test_it_goes_nowhere_else() -> None:
    with pytest.raises(ValueError, match="stays where it is"):
        grad(lambda x: x.to_device("gpu"))(M)
    for call in (np.from_dlpack, lambda x: x.__dlpack__(), lambda x: x.__dlpack_device__()):
        with pytest.raises(ConversionError, match="stop_gradient"):
            grad(call)(M)
