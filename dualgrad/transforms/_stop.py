"""Values that count as constant."""

from __future__ import annotations

import copy
from collections import deque
from types import SimpleNamespace
from typing import Any

import numpy as np

from dualgrad import tree
from dualgrad._array.dispatch import call
from dualgrad._array.gather import gather
from dualgrad._array.selection import Selection
from dualgrad._call.annotations import X
from dualgrad._table.functions import as_constant
from dualgrad._table.space import is_inexact
from dualgrad._trace.hidden import advice, hides
from dualgrad._trace.level import Tracer, is_differentiated
from dualgrad.errors import TreeError


def stop_gradient(x: X) -> X:
    """Return `x`, which may be a tree, as a constant: no transformation differentiates through it.

    Arrays of objects come back as arrays of numbers; subclasses of list, tuple and dict, deques and SimpleNamespaces as copies.
    TypeError where another object holds a value being differentiated. Everything else stays as it is: text, None, integers,
    objects of plain numbers, and functions, whatever they close over.

    >>> from dualgrad import grad, stop_gradient
    >>> float(grad(lambda x: x * stop_gradient(x))(3.0))
    3.0
    """
    try:
        found: X = tree.map(_stopped, x)
        return found
    except RecursionError as error:
        raise TreeError(
            f"stop_gradient: a {type(x).__name__} contains itself, or is nested too deeply. Pass what it holds."
        ) from error


def _stopped(x: Any) -> Any:
    if isinstance(x, Tracer):
        return call(as_constant, x)
    if type(x) is Selection:
        return x.map(as_constant)
    if not hides(is_differentiated, x):
        return x
    found = x
    if type(x) is np.ndarray and x.dtype == object:
        found = _stopped_objects(x)
    elif isinstance(x, tuple):
        found = _stopped_tuple(x)
    elif isinstance(x, (list, dict, deque)):
        found = _stopped_container(x)
    elif type(x) is SimpleNamespace:
        found = SimpleNamespace(**stop_gradient(vars(x)))
    # Its items may be constant now, and its attributes not.
    if found is x or hides(is_differentiated, found):
        raise TypeError(
            f"stop_gradient got a {type(x).__name__}, which holds a value being differentiated where dualgrad cannot replace it: "
            f"it would be differentiated all the same. {advice(is_differentiated, x)}"
        )
    return found


def _stopped_objects(x: np.ndarray[Any, Any]) -> Any:
    elements = x.ravel().tolist()
    if all(is_inexact(e) or isinstance(e, (int, np.integer)) for e in elements):
        return call(as_constant, gather(x))
    found = np.empty(x.size, object)
    for k, e in enumerate(elements):
        found[k] = stop_gradient(e)
    return found.reshape(x.shape)


def _stopped_tuple(x: Any) -> Any:
    found = tuple.__new__(type(x), map(stop_gradient, x))
    if hasattr(x, "__dict__"):
        vars(found).update(vars(x))
    return found


def _stopped_container(x: Any) -> Any:
    found = copy.copy(x)
    if found is x:
        return x
    # By the methods of the builtin class: those of the subclass may do more.
    if isinstance(x, dict):
        for key in dict.keys(x):
            dict.__setitem__(found, key, stop_gradient(dict.__getitem__(x, key)))
    elif isinstance(x, list):
        list.__setitem__(found, slice(None), list(map(stop_gradient, list.__iter__(x))))
    else:
        deque.clear(found)
        deque.extend(found, map(stop_gradient, deque.__iter__(x)))
    return found
