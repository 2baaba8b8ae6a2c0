"""Functions whose derivatives their author gives: `custom_jvp` and `custom_vjp`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from pickle import PicklingError
from types import MethodType
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from dualgrad._array.selection import Selection, refuse
from dualgrad._call.arguments import check_callable
from dualgrad._call.leaves import Leaves, results
from dualgrad._table.record import Primitive, Word, name_of
from dualgrad._table.signature import Normaliser
from dualgrad._table.space import Value, zeros_of
from dualgrad._trace.hidden import hides, refuse_hidden
from dualgrad._trace.level import Level, Tracer, deepest, is_differentiated, seen_anywhere
from dualgrad.batching import BatchLevel
from dualgrad.errors import LeakedValueError, RuleError, TreeError
from dualgrad.forward import jvp
from dualgrad.reverse import Recording, Tape
from dualgrad.transforms.custom._batch import BatchedRules, fixed, holds_apart, holds_batch, on_batch
from dualgrad.transforms.custom._cells import Holder
from dualgrad.transforms.custom._closure import ClosedRules, closed_rules, hidden_closure, loses, run_plainly
from dualgrad.transforms.custom._kept import Kept, checked, counted, defaults_of, locked, on_tape, pair_of
from dualgrad.transforms.custom._transpose import belongs, is_called_on_tangents, recording_of, transposed, transposing

_LOOKED_AT = 10_000
"""How many objects that an argument holds are looked at, for values being differentiated, in each call."""

P = ParamSpec("P")
R = TypeVar("R")


class CustomFunction(Holder, Generic[P, R]):
    """A function with derivative rules of its own; made by `custom_jvp` and `custom_vjp`.

    Either rule alone serves both modes and all orders: the other is its transpose.
    """

    def __init__(self, f: Callable[P, R], decorator: str = "custom_jvp") -> None:
        functools.update_wrapper(self, f)
        self._decorator = decorator
        self._f: Callable[..., Any] = f
        self._name: str | None = None
        self._jvp: Callable[..., Any] | None = None
        self._fwd: Callable[..., Any] | None = None
        self._bwd: Callable[..., Any] | None = None
        self._defaults: dict[int, tuple[Any, ...]] | None = None
        # Whose rules these are: of batches, those of a member.
        self._owner: object = self
        self._transpose: Callable[..., Any] | None = None
        self._record = self._make_record()

    def __repr__(self) -> str:
        return f"<{self._decorator} of {name_of(self._f)}>"

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        # In a class it is a method, as a function is.
        return self if instance is None else MethodType(self, instance)

    def __reduce__(self) -> str:
        # As functions are: by the name under which the other process finds it, with its rules. Copies are the function itself.
        if not isinstance(name := getattr(self, "__qualname__", None), str):
            raise PicklingError(
                f"{self!r} cannot be pickled: what it was made of has no name by which another process could find it. Decorate a "
                "function of a module."
            )
        return name

    def defjvp(self, rule: Callable[..., Any]) -> Callable[..., Any]:
        """Set the JVP rule, `rule(primals, tangents) -> (value, tangent)`; returns it, so that it can decorate."""
        check_callable(rule, f"{self._title()}.defjvp", f"{self._title()}.defjvp(rule), with rule(primals, tangents)")
        self._jvp = rule
        self._record = self._make_record()
        return rule

    def defvjp(self, fwd: Callable[..., Any], bwd: Callable[..., Any]) -> None:
        """Set the VJP rule: `fwd(*args) -> (value, residuals)`, `bwd(residuals, ct) -> one cotangent per argument`."""
        call = f"{self._title()}.defvjp(fwd, bwd), with fwd(*args) and bwd(residuals, ct)"
        check_callable(fwd, f"{self._title()}.defvjp", call)
        check_callable(bwd, f"{self._title()}.defvjp", call, "second argument")
        self._fwd, self._bwd = fwd, bwd
        self._record = self._make_record()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        positional = self._positional(args, kwargs)
        inputs = Leaves(positional)
        level = self._level_of(inputs.leaves)
        if level is None:
            return run_plainly(self, args, kwargs)  # type: ignore[no-any-return]
        closed = closed_rules(self, positional, inputs.leaves, level)
        if closed is not None:
            return self._call_closed(*closed)  # type: ignore[no-any-return]
        if isinstance(level, BatchLevel):
            return self._call_batched(inputs.fill(inputs.values), level)  # type: ignore[no-any-return]
        if self._jvp is None and self._bwd is None:
            raise RuleError(f"{self._title()} has no rule yet: give it one with .defjvp(rule) or .defvjp(fwd, bwd).")
        if isinstance(level, Tape):
            inputs = inputs.kept(lambda x: fixed(x, level.keep))
        record = self._make_record(self._pull_linearly) if self._is_own_tangent_map(level) else self._record
        *outputs, kept = level.apply(record, tuple(inputs.values), {"inputs": inputs})
        if isinstance(level, Tape):
            kept.residuals = on_tape(kept.residuals, level, inputs.values)
        if any(loses(level, x) for x in outputs):
            raise hidden_closure(self._title())
        (value,) = kept.result.fill(outputs)
        return value  # type: ignore[no-any-return]

    def _call_batched(self, args: tuple[Any, ...], level: BatchLevel) -> Any:
        rules = BatchedRules(args, level, self._title())
        derived = self._derived(
            rules.function(self._f),
            None if self._jvp is None else rules.jvp(self._jvp),
            None if self._fwd is None else rules.fwd(self._fwd),
            None if self._bwd is None else rules.bwd(self._bwd),
            rules.transpose(self._transpose or self._transposed),
        )
        return rules.wrapped(derived(*rules.arguments))

    def _call_closed(self, rules: ClosedRules, arguments: tuple[Any, ...]) -> Any:
        has_pair = self._bwd is not None
        derived = self._derived(
            rules.function,
            None if self._jvp is None else rules.jvp,
            rules.fwd if has_pair else None,
            rules.bwd if has_pair else None,
            None,
        )
        return derived(*arguments)

    def _derived(self, *functions: Any) -> CustomFunction[..., Any]:
        derived = self._blank()
        derived._defaults = {}
        derived._hold(functions)
        return derived

    # ---- the functions that it is made of, and the same of others -------------------------------

    def _held(self) -> tuple[Any, ...]:
        return self._f, self._jvp, self._fwd, self._bwd, self._transpose

    def _blank(self) -> CustomFunction[..., Any]:
        made: CustomFunction[..., Any] = CustomFunction(self._f)
        made._defaults = self._defaults
        made._owner = self._owner
        made._name = self._title()
        return made

    def _hold(self, functions: Sequence[Any]) -> None:
        self._f, self._jvp, self._fwd, self._bwd, self._transpose = functions
        self._record = self._make_record()

    def _level_of(self, leaves: Sequence[Any]) -> Level | None:
        """Return the deepest level among leaves; TypeError where one that is no array holds a value being differentiated."""
        found = None
        for x in leaves:
            if isinstance(x, Tracer):
                if found is None or x._level.depth > found.depth:
                    found = x._level
            elif type(x) is Selection:
                refuse("a function with rules of its own")
            elif hides(is_differentiated, x, at_most=_LOOKED_AT):
                refuse_hidden(x, self._title())
        return found

    def _is_own_tangent_map(self, level: Level) -> bool:
        return self._jvp is not None and self._bwd is None and is_called_on_tangents(self._owner, level)

    def _positional(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
        if not kwargs:
            if self._defaults is None:
                self._defaults = defaults_of(self._f)
            return args + self._defaults.get(len(args), ())
        bound = inspect.signature(self._f).bind(*args, **kwargs)
        bound.apply_defaults()
        if bound.kwargs:
            raise TypeError(f"{self._title()} has keyword-only arguments; a function with custom rules takes none.")
        return bound.args

    def _title(self) -> str:
        return self._name or getattr(self._f, "__name__", None) or repr(self._f)

    # ---- the record that interpreters see --------------------------------------------------------

    def _make_record(self, vjp: Callable[..., Any] | None = None) -> Primitive:
        return Primitive(
            key=self._f,
            word=Word.HANDWRITTEN,
            fun=self._run,
            jvp=self._push,
            vjp=vjp or self._pull,
            samples=_no_samples,
            normalise=Normaliser(self._title(), (), (), (), {}),
            operate=self._run,
            keep=frozenset((0,)) if self._bwd is not None else frozenset(range(1024)),
            # So many as the call decides, and what `Kept` holds.
            outputs=0,
            keeps=1,
            value_and_jvp=None if self._jvp is None else self._run_and_push,
        )

    def _run(self, *values: Value, inputs: Leaves) -> tuple[Any, ...]:
        arguments = inputs.fill(list(map(locked, values)))
        residuals = None
        # A batch may be among what is not differentiated, too.
        is_traced = deepest(values) is not None or deepest(arguments) is not None
        if self._fwd is not None:
            pair = self._on_batch(self._fwd, arguments, ("value", "residuals"))
            value, residuals = pair_of(pair, f"The rule fwd of {self._title()}", "(value, residuals)")
        if self._fwd is None or is_traced:
            # Levels further out use the rules too, and do not differentiate fwd.
            value = self(*arguments) if is_traced else self._f(*arguments)  # type: ignore[call-arg]
        result = results(value)
        # A function may return the buffer that it writes to in its next call.
        result.values = [x.copy() if type(x) is np.ndarray else x for x in result.values]
        return (*result.values, Kept(result, residuals, is_traced and holds_apart(residuals)))

    def _run_and_push(self, tangents: tuple[Value, ...], *values: Value, inputs: Leaves) -> tuple[Any, Any]:
        pair = self._jvp_of(values, [_instantiate(t, x) for t, x in zip(tangents, values, strict=True)], inputs)
        result, pushed = self._pushed(pair)
        return (*result.values, Kept(result, None)), (*pushed, None)

    def _push(self, tangents: tuple[Value, ...], ans: Any, /, *values: Value, inputs: Leaves) -> Any:
        if self._jvp is not None:
            return self._run_and_push(tangents, *values, inputs=inputs)[1]
        kept = ans[-1]
        trees = (
            inputs.fill(values),
            [_instantiate(t, x) for t, x in zip(tangents, values, strict=True)],
            *kept.result.fill(kept.result.values),
            kept.residuals,
        )
        return (*self._on_batch(self._push_by_vjp, trees, ("tangent",), kept.is_apart), None)

    def _push_by_vjp(self, arguments: tuple[Any, ...], tangents: list[Value], result: Any, residuals: Any) -> Any:
        # The JVP is the transpose of the VJP, which is linear in its cotangents: record it there and pull the tangents.
        inputs, kept = Leaves(arguments), Kept(Leaves([result]), residuals)

        def pullback(cts: Sequence[Value]) -> list[Value]:
            return self._linear(self._bwd_of(cts, kept, inputs, True), deepest(list(cts)), inputs.values, "bwd")

        return Recording(pullback, [_ones_of(x) for x in kept.result.values]).pull(tangents)

    def _pull(
        self, ct: list[Value], wanted: tuple[bool, ...], ans: Any, /, *values: Value, inputs: Leaves
    ) -> tuple[Value, ...]:
        kept = ans[-1]
        cotangents = [_instantiate(c, x) for c, x in zip(ct, kept.result.values, strict=False)]
        try:
            if self._bwd is not None:
                return tuple(self._bwd_of(cotangents, kept, inputs))
            trees = inputs.fill(values), cotangents, *kept.result.fill(kept.result.values)
            return tuple(self._on_batch(self._pull_by_jvp, trees, ("tangent",)))
        except LeakedValueError as error:
            # The sweep comes when the tape is over.
            raise hidden_closure(self._title()) from error

    def _pull_by_jvp(self, arguments: tuple[Any, ...], cotangents: list[Value], result: Any) -> list[Value]:
        inputs, value = Leaves(arguments), Leaves([result])

        with transposing(self._owner) as transposition:

            def pushforward(tangents: Sequence[Value]) -> list[Value]:
                transposition.records(tangents)
                pair = self._jvp_of(inputs.values, tangents, inputs, True)
                pushed = checked(value, pair[1], f"The JVP rule of {self._title()}", "tangent", "value")
                return self._linear(pushed, deepest(list(tangents)), value.values, "jvp")

            return Recording(pushforward, [_ones_of(x) for x in inputs.values]).pull(cotangents)

    def _pull_linearly(
        self, ct: list[Value], wanted: tuple[bool, ...], ans: Any, /, *values: Value, inputs: Leaves
    ) -> tuple[Value, ...]:
        result = ans[-1].result
        cotangents = [_instantiate(c, x) for c, x in zip(ct, result.values, strict=False)]
        found = (self._transpose or self._transposed)(wanted, inputs.fill(values), *result.fill_derivatives(cotangents))
        return tuple(inputs.match(found, "cotangents", "arguments"))

    def _transposed(self, wanted: tuple[bool, ...], arguments: tuple[Any, ...], ct: Any) -> tuple[Any, ...]:
        return transposed(self._f, self, self._title(), wanted, arguments, ct)

    def _on_batch(
        self,
        rule: Callable[..., Any],
        trees: tuple[Any, ...],
        roles: tuple[str, ...],
        apart: bool = False,
        is_recorded: bool = False,
    ) -> Any:
        """Run a rule, member by member where it has to be; also where a batch is below what is being differentiated."""
        try:
            return on_batch(rule, trees, self._title(), roles, apart=apart)
        except (RuleError, LeakedValueError):
            raise
        except Exception as error:
            # What is being recorded to be transposed is done again as a whole, by whoever records it.
            if is_recorded or not holds_batch(trees):
                raise
            failed = error
        # The level in between cannot be split into members. So the rule is to it a custom function, with the rule that
        # differentiates a member.
        between: CustomFunction[..., Any] = CustomFunction(rule)
        between._name = self._title()
        between._defaults = {}
        between.defjvp(lambda primals, tangents: jvp(rule, primals, tangents))
        try:
            return between(*trees)
        except RuleError:
            raise failed from None

    def _linear(self, outputs: list[Value], recording: Level | None, likes: Sequence[Value], rule: str) -> list[Value]:
        """Return what a rule made of what is being recorded; RuleError where a part that is not zero does not depend on it."""
        if recording is None:
            return outputs
        found = []
        for x, like in zip(outputs, likes, strict=True):
            if x is None:
                x = zeros_of(like)
            elif not belongs(x, recording) and seen_anywhere(x != 0):
                name, of, example = _LINEAR[rule]
                raise RuleError(
                    f"{name} of {self._title()} is linear in its {of}, and it returned a part that does not depend on them: the "
                    f"derivative would be lost. Is the product with the {of} missing? Write, for np.sin: {example}"
                )
            found.append(x)
        return found

    def _pushed(self, pair: Any, tangents: Sequence[Any] = ()) -> tuple[Leaves, list[Value]]:
        """Return the value and the tangent of a JVP rule, taken apart; of those `tangents` that are being recorded it has to be made."""
        value, tangent = pair_of(pair, f"The JVP rule of {self._title()}", "(value, tangent)")
        result = Leaves([value])
        pushed = checked(result, tangent, f"The JVP rule of {self._title()}", "tangent", "value")
        return result, self._linear(pushed, recording_of(self._owner, tangents), result.values, "jvp")

    def _jvp_of(
        self, values: Sequence[Value], tangents: Sequence[Value], inputs: Leaves, is_recorded: bool = False
    ) -> tuple[Any, Any]:
        trees = inputs.fill(list(map(locked, values))), inputs.fill_derivatives(tangents)
        pair = self._on_batch(self._jvp, trees, ("value", "tangent"), False, is_recorded)  # type: ignore[arg-type]
        return pair_of(pair, f"The JVP rule of {self._title()}", "(value, tangent)")

    def _bwd_of(
        self, cotangents: Sequence[Value], kept: Kept, inputs: Leaves, is_recorded: bool = False
    ) -> list[Value]:
        (filled,) = kept.result.fill_derivatives(cotangents)
        trees = kept.residuals, filled
        found = self._on_batch(self._bwd, trees, ("tangent",), kept.is_apart, is_recorded)  # type: ignore[arg-type]
        found = counted(found, len(inputs.fill(inputs.values)), self._title())
        try:
            pulled = inputs.match(tuple(found), "cotangents", "arguments")
        except (TreeError, ValueError, TypeError) as error:
            raise RuleError(
                f"The rule bwd of {self._title()} returned cotangents that do not fit the arguments: {error}"
            ) from error
        # What bwd returns may be a residual or the cotangent itself; gradients are shared with nothing.
        return [np.array(g) if type(g) is np.ndarray else g for g in pulled]


_LINEAR = {
    "jvp": (
        "The JVP rule",
        "tangents",
        "lambda primals, tangents: (np.sin(primals[0]), np.cos(primals[0]) * tangents[0]).",
    ),
    "bwd": (
        "The rule bwd",
        "cotangents",
        "fwd = lambda x: (np.sin(x), x) and bwd = lambda x, ct: (np.cos(x) * ct,).",
    ),
}


def _no_samples(rng: Any) -> tuple[Any, ...]:
    return ()


def _instantiate(t: Value, x: Value) -> Value:
    return zeros_of(x) if t is None else t


def _ones_of(x: Value) -> Value:
    return zeros_of(x) + 1
