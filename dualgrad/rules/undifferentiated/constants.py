"""Functions without a derivative and functions of shape only."""

from __future__ import annotations

import numpy as np

from dualgrad._table import versions
from dualgrad._table.facets import BATCH_BODY, BATCH_CONSTANT, REDUCES
from dualgrad._table.facts import Facts
from dualgrad._table.functions import as_constant, constant_astype
from dualgrad._table.structure import Along, Numberwise
from dualgrad.rules.undifferentiated import _batched
from dualgrad.rules.words import constant, metadata

constant(np.logical_and, says=(REDUCES(np.all),))
constant(np.logical_or, says=(REDUCES(np.any),))
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
    np.logical_not,
    np.logical_xor,
    np.array_equiv,
    np.lexsort,
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
)
if versions.in1d is not None:
    constant(versions.in1d)
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

# ---- of each number --------------------------------------------------------------------------------

# What is constant to a batch is constant to what differentiates the batch, too: the call goes on to the levels below.
constant(as_constant, constant_astype, np.fix, np.isclose, np.isneginf, np.isposinf, structure=Numberwise())
# A number of digits, and the edges of bins, broadcast against nothing.
constant(np.around, np.round, np.digitize, says=(BATCH_CONSTANT(_batched.as_it_is),))

# ---- said in other functions -----------------------------------------------------------------------

constant(np.allclose, says=(BATCH_BODY(_batched.allclose),))
constant(np.array_equal, says=(BATCH_BODY(_batched.array_equal),))
constant(np.isin, says=(BATCH_BODY(_batched.isin),))
constant(np.searchsorted, says=(BATCH_BODY(_batched.searchsorted),))
constant(np.nonzero, np.argwhere, np.flatnonzero, says=(BATCH_BODY(_batched.depends_on_data),))

# ---- along axes ------------------------------------------------------------------------------------

constant(np.all, np.any, np.count_nonzero, structure=Along(stays=False))
constant(np.argmax, np.argmin, np.nanargmax, np.nanargmin, structure=Along(stays=False, flat=True))
constant(np.argsort, np.argpartition, structure=Along(-1, flat=True))

# ---- arrays for users to fill ----------------------------------------------------------------------

constant(np.zeros_like, np.ones_like, np.empty_like, facts=Facts(fresh=True, outline=True))
