"""The sample calls of every record in the table, with readable ids, for the generated tests."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

import dualgrad.rules  # noqa: F401 - fills the table
from dualgrad._core.leaves import Leaves
from dualgrad._core.primitive import Composite, Primitive, Sample, name_of, records
from dualgrad._core.space import shape_of


class Case(NamedTuple):
    """One call of one function, with the arrays in it as the point at which it is differentiated."""

    name: str
    record: Primitive | Composite
    sample: Sample

    @property
    def inputs(self) -> Leaves:
        return Leaves([self.sample.args, self.sample.kwargs])

    @property
    def function(self) -> Callable[..., Any]:
        """The function of the differentiable leaves alone; its result holds only floats."""
        inputs, key = self.inputs, self.record.key

        def call(*values: Any) -> Any:
            args, kwargs = inputs.fill(values)
            return tuple(Leaves([key(*args, **kwargs)]).values)

        return call


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
