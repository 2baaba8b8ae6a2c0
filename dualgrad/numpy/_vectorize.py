"""`vectorize` with `otypes`: NumPy's own puts the results into an array of these types, which cannot hold what is differentiated."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._array.creation import asarray
from dualgrad._table.space import Value
from dualgrad._trace.level import deepest


class vectorize(np.vectorize):
    """A function of numbers as one of arrays, like `numpy.vectorize`; the arrays may be being differentiated."""

    def __call__(self, *args: Any, **kwargs: Any) -> Value:
        """Call the function for each number, and return its results in arrays."""
        otypes: Any = self.otypes
        is_called = callable(self.pyfunc)
        if otypes is None or not is_called or deepest((args, kwargs)) is None or self._has_no_number(args):
            return super().__call__(*args, **kwargs)
        untyped = np.vectorize(self.pyfunc, excluded=self.excluded, cache=self.cache, signature=self.signature)
        found = untyped(*args, **kwargs)
        if isinstance(found, tuple):
            return tuple([asarray(x, dtype) for x, dtype in zip(found, otypes, strict=True)])
        return asarray(found, otypes[0])

    def _has_no_number(self, args: tuple[Any, ...]) -> bool:
        return self.signature is None and any(np.size(x) == 0 for x in args)
