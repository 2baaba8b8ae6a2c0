"""Batching: many calls of a function as one, by arrays that carry a batch axis out of sight."""

from dualgrad.batching._vmap import vmap

__all__ = ["vmap"]
