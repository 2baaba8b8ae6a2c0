"""Arrays made with `like=` a value being differentiated (NEP 35): what `dualgrad.numpy` makes under the same names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from dualgrad._array import creation
from dualgrad._table.facts import AS_BODY, FILLED_LATER, Facts
from dualgrad._table.space import Value
from dualgrad.rules.samples import cases
from dualgrad.rules.words import composite, constant

# NumPy asks a value only where it is `like`, whatever fills the array. The generated tests trace one operand at a time, so
# these are tested by hand.
for _fun, _body in (
    (np.array, creation.array),
    (np.asarray, creation.asarray),
    (np.asanyarray, creation.asanyarray),
    (np.ascontiguousarray, creation.ascontiguousarray),
    (np.asfortranarray, creation.asfortranarray),
    (np.require, creation.require),
    (np.arange, creation.arange),
    (np.fromiter, creation.fromiter),
):
    composite(_fun, _body, samples=cases(), facts=AS_BODY)


def _fromfunction(function: Callable[..., Any], shape: Any, *, dtype: Any = float, **kwargs: Any) -> Value:
    # `function` computes with plain positions and with whatever the keywords hold.
    return np.fromfunction(function, shape, dtype=dtype, **kwargs)


composite(np.full, creation.full, samples=cases(), facts=Facts(as_body=True, fresh=True))
composite(np.fromfunction, _fromfunction, samples=cases(), facts=AS_BODY)

constant(np.zeros, np.ones, np.empty, np.eye, np.identity, facts=FILLED_LATER)
constant(
    np.tri,
    np.frombuffer,
    np.fromfile,
    np.fromstring,
    np.loadtxt,
    np.genfromtxt,
)
