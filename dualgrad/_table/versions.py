"""What NumPy's versions have and lack, from 2.0 on: the one module that asks.

A function that the installed version lacks is None here, so that its record is left out of the table.
"""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
from numpy.polynomial import polynomial


def _handed_over(fun: Any) -> Any:
    """Return a function if NumPy hands its calls over to their arguments; some were plain Python before."""
    return fun if hasattr(fun, "_implementation") else None


def _unnamed_ufunc(name: str) -> Any:
    """Return a ufunc that NumPy names in no public place, and calls for methods and functions that it names."""
    found = getattr(getattr(getattr(np, "_core", None), "umath", None), name, None)
    return found if isinstance(found, np.ufunc) else None


in1d: Any = getattr(np, "in1d", None)  # until 2.3
unstack: Any = getattr(np, "unstack", None)  # from 2.1
cumulative_sum: Any = getattr(np, "cumulative_sum", None)  # from 2.1
cumulative_prod: Any = getattr(np, "cumulative_prod", None)  # from 2.1
matvec: Any = getattr(np, "matvec", None)  # from 2.2
vecmat: Any = getattr(np, "vecmat", None)  # from 2.2
polyval2d: Any = _handed_over(polynomial.polyval2d)  # from 2.4
polygrid2d: Any = _handed_over(polynomial.polygrid2d)  # from 2.4
polyvalnd: Any = getattr(polynomial, "polyvalnd", None)  # from 2.5

# The method array.clip(lower, upper) calls this one.
clip: Any = _unnamed_ufunc("clip")
ones_like: Any = _unnamed_ufunc("_ones_like")
# They take complex numbers only: np.real and np.imag of a subclass of arrays call them. From 2.5 on.
real: Any = _unnamed_ufunc("real")
imag: Any = _unnamed_ufunc("imag")

_TEXT = (
    "_center",
    "_expandtabs",
    "_expandtabs_length",
    "_ljust",
    "_lstrip_chars",
    "_lstrip_whitespace",
    "_partition",
    "_partition_index",
    "_replace",
    "_rjust",
    "_rpartition",
    "_rpartition_index",
    "_rstrip_chars",
    "_rstrip_whitespace",
    "_slice",
    "_strip_chars",
    "_strip_whitespace",
    "_zfill",
    "count",
    "endswith",
    "find",
    "index",
    "isalnum",
    "isalpha",
    "isdecimal",
    "isdigit",
    "islower",
    "isnumeric",
    "isspace",
    "istitle",
    "isupper",
    "rfind",
    "rindex",
    "startswith",
    "str_len",
)
text_ufuncs: tuple[Any, ...] = tuple([ufunc for name in _TEXT if (ufunc := _unnamed_ufunc(name)) is not None])

sort_descends = "descending" in inspect.signature(np.sort).parameters  # from 2.5
cross_takes_the_plane = np.lib.NumpyVersion(np.__version__) < "2.5.0"
cond_takes_what_is_not_finite = not cross_takes_the_plane
