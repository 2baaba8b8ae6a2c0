"""NumPy's names, for code that builds arrays from values being differentiated: `import dualgrad.numpy as np`.

Everything is NumPy's own but what cannot be told of traced values by NumPy's protocols:
the functions that make arrays (`array`, `asarray`, `full`, `arange`, ...), averages (`mean`, `var`, ...), `vectorize`, `r_` and `c_`. Plain
`import numpy as np` needs none of this for code that does not build arrays in other ways than `np.array([...])`, `np.stack`,
`np.concatenate` and the like.

>>> import dualgrad.numpy as np
>>> from dualgrad import grad
>>> float(grad(lambda x: np.sum(np.array([x, x**2], dtype=float)))(3.0))
7.0
"""

from __future__ import annotations

from typing import Any

import numpy as _numpy

from dualgrad._array.creation import (
    arange,
    array,
    asanyarray,
    asarray,
    ascontiguousarray,
    asfortranarray,
    fromiter,
    full,
    isscalar,
    make_diagonal,
    require,
    take,
)
from dualgrad.numpy import fft, linalg, random
from dualgrad.numpy._averages import average, mean, median, std, var
from dualgrad.numpy._joining import c_, r_
from dualgrad.numpy._vectorize import vectorize

__all__ = [
    "arange",
    "array",
    "asanyarray",
    "asarray",
    "ascontiguousarray",
    "asfortranarray",
    "average",
    "c_",
    "fft",
    "fromiter",
    "full",
    "isscalar",
    "linalg",
    "make_diagonal",
    "mean",
    "median",
    "r_",
    "random",
    "require",
    "std",
    "take",
    "var",
    "vectorize",
]


def __getattr__(name: str) -> Any:
    return getattr(_numpy, name)


def __dir__() -> list[str]:
    return sorted({*dir(_numpy), *__all__})
