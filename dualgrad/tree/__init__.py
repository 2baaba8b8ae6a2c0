"""Trees: containers of values, nested in each other, taken apart into a flat list of leaves and put together again.

Tuples, lists, dicts (`OrderedDict` and `defaultdict` too), named tuples, dataclasses and registered classes are
containers. Everything else is a leaf: arrays and numbers, and also None, strings, classes, enumerations, and instances
of unregistered subclasses of list, tuple and dict. Nothing here knows what a derivative is.
"""

from dualgrad.tree._map import map
from dualgrad.tree._match import match
from dualgrad.tree._ops import flatten, leaves, unflatten
from dualgrad.tree._registry import register
from dualgrad.tree._structure import Structure

__all__ = ["Structure", "flatten", "leaves", "map", "match", "register", "unflatten"]
