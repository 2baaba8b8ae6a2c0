"""Functions without a derivative and functions of shape only."""

from __future__ import annotations

import numpy as np

from dualgrad._table.facts import Facts
from dualgrad._table.functions import as_constant, constant_astype
from dualgrad._table.structure import Along
from dualgrad.rules.words import constant, metadata

constant(
    np.equal,
    np.not_equal,
    np.less,
    np.less_equal,
    np.greater,
    np.greater_equal,
    np.isnan,
    np.isinf,
    np.isfinite,
    np.signbit,
    np.floor,
    np.ceil,
    np.trunc,
    np.rint,
    np.floor_divide,
    np.spacing,
    np.logical_and,
    np.logical_or,
    np.logical_not,
    np.logical_xor,
    np.allclose,
    np.array_equal,
    np.array_equiv,
    np.isclose,
    np.isin,
    np.isneginf,
    np.isposinf,
    np.around,
    np.fix,
    np.round,
    np.argwhere,
    np.digitize,
    np.flatnonzero,
    np.lexsort,
    np.nonzero,
    np.searchsorted,
    # Bits and divisors belong to integers; NumPy says so to a float.
    np.bitwise_and,
    np.bitwise_count,
    np.bitwise_or,
    np.bitwise_xor,
    np.gcd,
    np.invert,
    np.lcm,
    np.left_shift,
    np.right_shift,
    np.isnat,
    as_constant,
    constant_astype,
)
if hasattr(np, "in1d"):  # until NumPy 2.3
    constant(np.in1d)
metadata(
    np.shape,
    np.ndim,
    np.size,
    np.result_type,
    np.can_cast,
    np.common_type,
    np.min_scalar_type,
    np.iscomplexobj,
    np.isrealobj,
    np.may_share_memory,
    np.shares_memory,
    np.diag_indices_from,
    np.tril_indices_from,
    np.triu_indices_from,
)

# ---- along axes ------------------------------------------------------------------------------------

constant(np.all, np.any, np.count_nonzero, structure=Along(stays=False))
constant(np.argmax, np.argmin, np.nanargmax, np.nanargmin, structure=Along(stays=False, flat=True))
constant(np.argsort, np.argpartition, structure=Along(-1, flat=True))

# ---- arrays for users to fill ----------------------------------------------------------------------

constant(np.zeros_like, np.ones_like, np.empty_like, facts=Facts(fresh=True, outline=True))
