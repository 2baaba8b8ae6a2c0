"""The sample calls of every record in the table, with readable ids, for the generated tests."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

import dualgrad.rules  # noqa: F401 - fills the table
from dualgrad import tree
from dualgrad._call.leaves import Leaves
from dualgrad._table.record import Composite, Primitive, Sample, name_of, records
from dualgrad._table.space import shape_of


class Static(NamedTuple):
    """A number written into a sample (an order, a step), not drawn: passed as it is."""

    value: Any


tree.register(Static, lambda x: ((), x.value), lambda value, children: Static(value))


class Case(NamedTuple):
    """One call of one function, with the arrays in it as the point at which it is differentiated."""

    name: str
    record: Primitive | Composite
    sample: Sample

    @property
    def inputs(self) -> Leaves:
        args = [Static(x) if type(x) is float else x for x in self.sample.args]
        kwargs = {name: Static(x) if type(x) is float else x for name, x in self.sample.kwargs.items()}
        return Leaves([args, kwargs])

    def call(self, values: Sequence[Any]) -> Any:
        """Call the function with other values at its differentiable leaves."""
        args, kwargs = self.inputs.fill(values)
        unwrapped = {name: x.value if isinstance(x, Static) else x for name, x in kwargs.items()}
        return self.record.key(*[x.value if isinstance(x, Static) else x for x in args], **unwrapped)

    @property
    def function(self) -> Callable[..., Any]:
        """The function of the differentiable leaves alone; its result holds only floats."""
        return lambda *values: tuple(Leaves([self.call(values)]).values)


def differentiable_cases() -> Iterator[Case]:
    """Yield a case per sample of each primitive and composite."""
    for record in records().values():
        if isinstance(record, (Primitive, Composite)):
            title = name_of(record.key)
            rng = np.random.default_rng(zlib.crc32(title.encode()))
            for k, sample in enumerate(record.samples(rng)):
                yield Case(f"{title}-{k}", record, sample)


def has_numbers(case: Case) -> bool:
    """Tell whether a case has anything to differentiate by."""
    return any(0 not in shape_of(x) for x in case.inputs.values)


CASES = list(differentiable_cases())
IDS = [case.name for case in CASES]
