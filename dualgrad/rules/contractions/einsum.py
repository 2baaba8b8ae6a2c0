"""np.einsum in all its forms, brought into one: explicit subscripts, one letter per axis, no ellipsis.

The sum is linear in each operand. The cotangent of one is the sum of `ct` with all others, over every index that the operand
does not have. Then come what this operand alone knew: an index of its own that was summed away is broadcast, one that was
stretched from length 1 is summed, and one that it repeats puts the cotangent on a diagonal.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._array.views import tie
from dualgrad._table.facets import BATCH, THIN
from dualgrad._table.facts import AS_BODY
from dualgrad._table.functions import overridable
from dualgrad._table.index import Slot
from dualgrad._table.space import Value, shape_of
from dualgrad._table.structure import Contracted
from dualgrad._trace.level import Tracer
from dualgrad.batching import thin_functions as thin
from dualgrad.errors import NoRuleError
from dualgrad.rules.contractions import _batched
from dualgrad.rules.contractions.terms import subscripts_terms
from dualgrad.rules.indexing.items import scatter
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, handwritten

# NumPy's order of the numbers 0 to 51 in sublists: capitals first.
_LETTERS = string.ascii_uppercase + string.ascii_lowercase


@overridable
def contract(*operands: Value, subscripts: str, optimize: Any = False) -> Value:
    """Return np.einsum of operands with subscripts in explicit form."""
    return np.einsum(subscripts, *operands, optimize=optimize)


# ---- explicit form ---------------------------------------------------------------------------------


def _from_sublists(args: Sequence[Any]) -> tuple[str, list[Value]]:
    """Return einsum(x, [0, 1], y, [1, 2], [0, 2]) as a string and operands."""
    subs = [_letters(sub) for sub in args[1::2]]
    found = ",".join(subs)
    return (f"{found}->{_letters(args[-1])}" if len(args) % 2 else found), list(args[: len(args) // 2 * 2 : 2])


def _letters(sub: Any) -> str:
    return "".join("..." if k is Ellipsis else _LETTERS[k.__index__()] for k in sub)


def _explicit(text: str, ndims: Sequence[int]) -> str:
    """Return subscripts with an output and without ellipses."""
    text = text.replace(" ", "")
    inputs, arrow, output = text.partition("->")
    terms = inputs.split(",")
    if len(terms) != len(ndims):
        raise ValueError(
            f"numpy.einsum: the subscripts {text!r} are of {len(terms)} operands; {len(ndims)} were given."
        )
    free = [letter for letter in _LETTERS if letter not in text]
    widths = [ndim - len(term.replace("...", "")) for term, ndim in zip(terms, ndims, strict=True)]
    for term, width in zip(terms, widths, strict=True):
        if width < 0 or (width > 0 and "..." not in term):
            raise ValueError(f"numpy.einsum: the subscripts {term!r} do not fit the dimensions of their operand.")
    width = max([0, *widths])
    if width > len(free):
        raise NoRuleError("numpy.einsum is not differentiated with more than 52 different axes.")
    dots = "".join(free[:width])
    terms = [term.replace("...", dots[width - own :]) for term, own in zip(terms, widths, strict=True)]
    if not arrow:
        named = inputs.replace(",", "").replace(".", "")
        output = dots + "".join(sorted(x for x in set(named) if named.count(x) == 1))
    elif dots and "..." not in output:
        raise ValueError("numpy.einsum: the output subscripts lack the ellipsis that the operands have.")
    return f"{','.join(terms)}->{output.replace('...', dots)}"


# ---- einsum ----------------------------------------------------------------------------------------


def _einsum(*operands: Any, out: None = None, optimize: Any = False, **kwargs: Any) -> Value:
    for name, default in (("dtype", None), ("casting", "safe"), ("order", "K")):
        if kwargs.pop(name, default) not in (None, default):
            raise NoRuleError(f"numpy.einsum is not differentiated with {name}=. Convert its operands or its answer.")
    if kwargs:
        raise TypeError(f"numpy.einsum got an unexpected keyword argument {next(iter(kwargs))!r}.")
    if isinstance(operands[0], str):
        text, values = operands[0], list(operands[1:])
    else:
        text, values = _from_sublists(operands)
    values = [as_operand(x) for x in values]
    subscripts = _explicit(text, [len(shape_of(x)) for x in values])
    answer = contract(*values, subscripts=subscripts, optimize=optimize)
    term, _, output = subscripts.partition("->")
    if len(values) == 1 and output and set(term) == set(output) and isinstance(answer, Tracer):
        # NumPy's is a view: nothing is summed.
        tie(values[0], answer)
    return answer


def _contract_jvp(
    tangents: tuple[Value, ...], ans: Value, /, *operands: Value, subscripts: str, optimize: Any = False
) -> Value:
    total = None
    for k, t in enumerate(tangents):
        if t is not None:
            d = contract(*operands[:k], t, *operands[k + 1 :], subscripts=subscripts, optimize=optimize)
            total = d if total is None else total + d
    return total


def _contract_vjp(
    ct: Value, wanted: tuple[bool, ...], ans: Value, /, *operands: Value, subscripts: str, optimize: Any = False
) -> tuple[Value, ...]:
    # A path of the user's is one for the operands as they were.
    optimize = optimize if isinstance(optimize, (bool, str)) else True
    return tuple([_pulled(ct, k, operands, subscripts, optimize) if want else None for k, want in enumerate(wanted)])


def _pulled(ct: Value, k: int, operands: tuple[Value, ...], subscripts: str, optimize: Any) -> Value:
    inputs, output = subscripts.split("->")
    terms = inputs.split(",")
    own, shape = terms.pop(k), shape_of(operands[k])
    sizes: dict[str, int] = {}
    for letter, n in zip(own, shape, strict=True):
        if sizes.setdefault(letter, n) != n:
            raise NoRuleError(f"numpy.einsum: a repeated index of {own!r} has different lengths: shape {shape}.")
    elsewhere = output + "".join(terms)
    # What has length 1 here may have been stretched, and is summed; its axis comes back in the reshape.
    result = "".join(x for x, n in sizes.items() if x in elsewhere and n != 1)
    found = ct
    if terms or result != output:
        others = operands[:k] + operands[k + 1 :]
        found = contract(ct, *others, subscripts=f"{','.join([output, *terms])}->{result}", optimize=optimize)
    lengths = dict(zip(result, shape_of(found), strict=True))
    found = np.reshape(found, tuple(lengths.get(x, 1) for x in sizes))
    if shape_of(found) != tuple(sizes.values()):
        found = np.broadcast_to(found, tuple(sizes.values()))
    if len(sizes) == len(own):
        return found
    letters = list(sizes)
    places = [np.arange(n).reshape([n if x == y else 1 for y in letters]) for x, n in zip(own, shape, strict=True)]
    return scatter(found, *places, index=tuple(Slot(i) for i in range(len(own))), shape=shape)


handwritten(
    contract,
    _contract_jvp,
    _contract_vjp,
    keep=("*",),
    structure=Contracted(subscripts_terms),
    says=(BATCH(_batched.contract),),
    samples=cases(
        case(A(2, 3), A(3, 4), subscripts="ij,jk->ik"),
        case(A(2, 3), A(3), A(2, 2), subscripts="ij,j,ii->", optimize=True),
    ),
)
composite(
    np.einsum,
    _einsum,
    says=(THIN(thin.einsum),),
    samples=cases(
        case("ij,jk", A(2, 3), A(3, 4)),
        case("ij,jk->ki", A(2, 3), A(3, 4), optimize=True),
        case("ba", A(2, 3)),
        case("ii", A(3, 3)),
        case("ii->i", A(3, 3)),
        case("iji->j", A(2, 3, 2)),
        case("iii->i", A(2, 2, 2)),
        case("ij->", A(2, 3)),
        case("ij,k->k", A(2, 3), A(2)),
        case("...ij,...jk->...ik", A(4, 2, 3), A(3, 2)),
        case("i...,i...", A(2, 3), A(2, 1)),
        case("ij,ij->ij", A(1, 3), A(2, 3)),
        case("ij,ij->j", A(2, 1), A(1, 3)),
        case(",ij->ji", A(), A(2, 3)),
        case("i,i,i->", A(3), A(3), A(3)),
        case("ij,jk,kl->il", A(2, 3), A(3, 2), A(2, 2), optimize=["einsum_path", (1, 2), (0, 1)]),
        case(A(2, 3), [0, 1], A(3, 2), [1, 2], [2, 0]),
        case(A(2, 3), [Ellipsis, 1], A(3), [1]),
        case("ij,j->i", A(2, 3, is_complex=True), A(3)),
        case("ij,jj->i", A(2, 2), A(2, 2, is_complex=True)),
        case("ij,jk->ik", A(2, 0), A(0, 2)),
    ),
    facts=AS_BODY,
)
