"""Values that count as constant."""

from __future__ import annotations

from typing import Any

from dualgrad import tree
from dualgrad._array.dispatch import call
from dualgrad._table.functions import as_constant
from dualgrad._trace.level import Tracer


def stop_gradient(x: Any) -> Any:
    """Return `x`, which may be a tree, as a constant: no transformation differentiates through it.

    >>> from dualgrad import grad, stop_gradient
    >>> float(grad(lambda x: x * stop_gradient(x))(3.0))
    3.0
    """
    return tree.map(lambda leaf: call(as_constant, leaf) if isinstance(leaf, Tracer) else leaf, x)
