"""The vocabulary: six words that make a record from one formula, deriving both rules once, at registration.

    elementwise   one formula per operand: how a tangent t moves each number, naming what it reads of ans and the operands
    linear        the transpose
    bilinear      two transposes
    structural    how to undo a change of shape or order
    handwritten   jvp and vjp
    composite, constant, metadata, refused

Corrections that every rule needs (sums over broadcast axes, the real part, the dtype) are made here and by the
interpreters, never in a formula. A formula is linear in `t`, so the same one is the pushforward and, the Jacobian being
diagonal, the pullback: `lambda t, x: t * np.cos(x)` serves both.
"""

from __future__ import annotations

from dualgrad._table.space import shape_of
from dualgrad.rules.words.by_hand import handwritten
from dualgrad.rules.words.formulas import elementwise
from dualgrad.rules.words.linear_maps import bilinear, linear, structural
from dualgrad.rules.words.pulls import Unknown, select_positions, strong, unknown, vjp_from_pulls
from dualgrad.rules.words.without_rules import composite, constant, metadata, refused

__all__ = [
    "Unknown",
    "bilinear",
    "composite",
    "constant",
    "elementwise",
    "handwritten",
    "linear",
    "metadata",
    "refused",
    "select_positions",
    "shape_of",
    "strong",
    "structural",
    "unknown",
    "vjp_from_pulls",
]
