"""Batching: many calls of a function as one, by arrays that carry a batch axis out of sight."""

from dualgrad.batching import thin_functions as thin_functions
from dualgrad.batching._batch import BatchLevel
from dualgrad.batching._directions import (
    Directions,
    block,
    each_batch,
    is_new,
    members_by_default,
    own_derivatives,
    parts,
    size_of,
)
from dualgrad.batching._hot import BatchArray, batch_array
from dualgrad.batching._vmap import vmap

__all__ = [
    "BatchArray",
    "BatchLevel",
    "Directions",
    "batch_array",
    "block",
    "each_batch",
    "is_new",
    "members_by_default",
    "own_derivatives",
    "parts",
    "size_of",
    "vmap",
]
