"""Even powers of roots: what is under the root is differentiated, where the root is zero.

A norm has a kink at zero, where its derivatives count as 0, and its square has none: all of its derivatives exist there, and the
second one is not 0. No rule for squares alone can see that. So a square asks its operand what it is the root of; the record of a
root says that with the facet UNDER.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table.record import Primitive
from dualgrad._table.space import Value
from dualgrad._trace.level import Call, Tracer, seen_anywhere

_PLAIN = frozenset((np.ndarray, np.float64))


def has_zero(ans: Value) -> bool:
    """Tell whether a root is zero anywhere."""
    return not ans.all() if type(ans) in _PLAIN else seen_anywhere(np.equal(ans, 0))


def remember(out: Value, record: Primitive, operands: tuple[Value, ...], params: dict[str, Any]) -> Value:
    """Return a root, which knows from now on by which call it was made if it is zero anywhere."""
    if isinstance(out, Tracer):
        ans, root = out._value, record.root
        # As `has_zero`, without the call.
        is_zero = not ans.all() if type(ans) in _PLAIN else has_zero(ans)
        if is_zero or (root is not None and root.is_zero is not None):
            out._made_by = Call(record, operands, params)
    return out


def even_power(x: Value, power: Value, exponent: float) -> Value:
    """Return `power`, an even power of a traced value, with the derivatives of what it is the root of where it is one and zero."""
    if not isinstance(power, Tracer):
        return power
    call = x._level.made_by(x)
    if call is None or (root := call.record.root) is None:
        return power
    zero = np.equal(x, 0) if root.is_zero is None else root.is_zero(x, *call.operands, **call.params)
    if not seen_anywhere(zero):
        return power
    with np.errstate(all="ignore"):
        square: Value = root.under(*call.operands, **call.params)
        under: Value = square if exponent == 2 else square ** (exponent / 2)
        found: Value = np.where(zero, under, power)  # type: ignore[call-overload]
        return found[()]
