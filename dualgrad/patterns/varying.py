"""Numbers without a derivative that still depend on the point: masks, ranks, rounded values.

Under a pattern they must not be read as fixed data: where a mask is False here it may be True elsewhere. `VaryingData` is a
plain ndarray that remembers this through NumPy's functions. It forgets where an array leaves NumPy's protocols
(`np.asarray`, item assignment into a plain buffer, Python numbers); what is done with that counts as a Python branch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._trace.level import deepest


class VaryingData(np.ndarray[Any, Any]):
    """An array of numbers that another point might give otherwise, although their derivative is zero."""

    is_number = False
    """Whether it stands for an integer: as an index, that gives a view."""

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, out: Any = None, **kwargs: Any) -> Any:
        if deepest((inputs, kwargs, out)) is not None:
            return NotImplemented
        if out is not None:
            kwargs["out"] = fixed(out)
        found = getattr(ufunc, method)(*fixed(inputs), **fixed(kwargs))
        return out[0] if out is not None and len(out) == 1 else varying(found)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if deepest((args, kwargs)) is not None:
            return NotImplemented
        return varying(func(*fixed(args), **fixed(kwargs)))

    def __getitem__(self, index: Any) -> Any:
        return varying(fixed(self)[fixed(index)])

    def nonzero(self) -> Any:
        return varying(fixed(self).nonzero())

    def argmax(self, *args: Any, **kwargs: Any) -> Any:
        return varying(fixed(self).argmax(*args, **kwargs))

    def argmin(self, *args: Any, **kwargs: Any) -> Any:
        return varying(fixed(self).argmin(*args, **kwargs))

    def searchsorted(self, *args: Any, **kwargs: Any) -> Any:
        return varying(fixed(self).searchsorted(*fixed(args), **kwargs))


def varying(found: Any) -> Any:
    """Return arrays and NumPy scalars, inside tuples and lists too, as varying data; anything else as it is."""
    if isinstance(found, (np.ndarray, np.number, np.bool_)):
        made = np.asarray(found).view(VaryingData)
        if isinstance(found, np.integer):
            made.is_number = True
        return made
    if isinstance(found, (tuple, list)):
        parts = [varying(x) for x in found]
        return found._make(parts) if hasattr(found, "_make") else type(found)(parts)
    return found


def fixed(tree: Any) -> Any:
    """Return varying data as the plain arrays that it is, inside tuples, lists and dicts too."""
    if isinstance(tree, VaryingData):
        return tree.view(np.ndarray)
    if type(tree) in (tuple, list):
        return type(tree)([fixed(x) for x in tree])
    if type(tree) is dict:
        return {name: fixed(x) for name, x in tree.items()}
    return tree
