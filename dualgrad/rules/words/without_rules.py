"""The words for functions without rules of their own: composite, constant, metadata, refused."""

from __future__ import annotations

from collections.abc import Sequence

from dualgrad._call.arguments import check_callable
from dualgrad._table.facets import Stated, said
from dualgrad._table.facts import NO_FACTS, Facts
from dualgrad._table.record import Composite, Constant, Metadata, Refused, Samples, register, without_axis
from dualgrad._table.signature import parameters_of, rule_parameters
from dualgrad._table.space import Function
from dualgrad._table.structure import Along, Structure


def composite(
    fun: Function,
    body: Function,
    *,
    samples: Samples,
    whole: bool = False,
    says: Sequence[Stated] = (),
    facts: Facts = NO_FACTS,
) -> Composite:
    """Register a function that is differentiated by running a body written in NumPy; it takes the function's signature.

    With `whole`, the function itself (of ours, for plain arrays) is a faster way to the same values, which a level that does not
    differentiate may take in one step. Its answer is new, also where the body returns a view, unless `facts` say otherwise.
    """
    call = "extend.composite(f, body, samples=...)"
    check_callable(fun, "extend.composite", call)
    check_callable(body, "extend.composite", call, "second argument")
    positional, _, spread = rule_parameters(body, skip=0)
    place = positional.index("out") if "out" in positional and not spread else None
    record = Composite(fun, body, samples, place, whole, said(says), facts)
    register(record)
    return record


def constant(
    *funs: Function,
    samples: Samples | None = None,
    structure: Structure | None = None,
    says: Sequence[Stated] = (),
    facts: Facts = NO_FACTS,
) -> None:
    """Register functions whose derivative is zero wherever it exists."""
    for fun in funs:
        check_callable(fun, "extend.constant", "extend.constant(f)", "argument")
        if isinstance(structure, Along) and "axis" not in parameters_of(fun)[0]:
            raise without_axis(fun)
        register(Constant(fun, samples, structure, said(says), facts))


def metadata(*funs: Function, says: Sequence[Stated] = (), facts: Facts = NO_FACTS) -> None:
    """Register functions of shape and dtype only."""
    for fun in funs:
        check_callable(fun, "extend.metadata", "extend.metadata(f)", "argument")
        register(Metadata(fun, said(says), facts))


def refused(reason: str, *funs: Function, says: Sequence[Stated] = ()) -> None:
    """Register functions that are not differentiated; `reason` says why and what to write instead."""
    if not isinstance(reason, str):
        raise TypeError(
            f"extend.refused takes the reason, a str, as its first argument; it got a {type(reason).__name__}. "
            'Write extend.refused("why, and what to write instead", f).'
        )
    for fun in funs:
        check_callable(fun, "extend.refused", 'extend.refused("why, and what to write instead", f)', "further argument")
        register(Refused(fun, reason, said(says)))
