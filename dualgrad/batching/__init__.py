"""Batching: many calls of a function as one, by arrays that carry a batch axis out of sight."""

from dualgrad.batching._batch import BatchArray, BatchLevel, batch_array
from dualgrad.batching._directions import Directions, block, directions, members_by_default, parts, size_of
from dualgrad.batching._vmap import vmap

__all__ = [
    "BatchArray",
    "BatchLevel",
    "Directions",
    "batch_array",
    "block",
    "directions",
    "members_by_default",
    "parts",
    "size_of",
    "vmap",
]
