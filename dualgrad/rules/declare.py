"""The words for functions without rules of their own: composite, constant, metadata, refused."""

from __future__ import annotations

from dualgrad._core.primitive import Composite, Constant, Metadata, Refused, Samples, register
from dualgrad._core.signature import rule_parameters
from dualgrad._core.space import Function


def composite(fun: Function, body: Function, *, samples: Samples) -> Composite:
    """Register a function that is differentiated by running a body written in NumPy; it takes the function's signature."""
    positional, _, spread = rule_parameters(body, skip=0)
    place = positional.index("out") if "out" in positional and not spread else None
    record = Composite(fun, body, samples, place)
    register(record)
    return record


def constant(*funs: Function, samples: Samples | None = None) -> None:
    """Register functions whose derivative is zero wherever it exists."""
    for fun in funs:
        register(Constant(fun, samples))


def metadata(*funs: Function) -> None:
    """Register functions of shape and dtype only."""
    for fun in funs:
        register(Metadata(fun))


def refused(reason: str, *funs: Function) -> None:
    """Register functions that are not differentiated; `reason` says why and what to write instead."""
    for fun in funs:
        register(Refused(fun, reason))
