"""Functions of text, files, dates, bits and records: they print a value, or have nothing to differentiate."""

from __future__ import annotations

from typing import Any

import numpy as np

from dualgrad._table import versions
from dualgrad._table.facets import BATCH_BODY
from dualgrad._table.record import REFUSED_MODULES
from dualgrad._table.space import Function, Value
from dualgrad._table.structure import Numberwise
from dualgrad._trace.level import plain
from dualgrad.rules.words import constant, metadata, refused

# ---- printing --------------------------------------------------------------------------------------


def _printing_a_batch(fun: Function) -> Function:
    def text(a: Value, *args: Any, **kwargs: Any) -> Any:
        return fun(plain(a), *args, **kwargs)

    return text


# Text of a value loses nothing: it has no derivative, as `str(x)` and `f"{x}"` have none.
for _fun in (np.array2string, np.array_repr, np.array_str):
    constant(_fun, says=(BATCH_BODY(_printing_a_batch(_fun)),))

# ---- places, bits and dates ------------------------------------------------------------------------

constant(
    np.busday_count,
    np.busday_offset,
    np.datetime_as_string,
    np.is_busday,
    np.packbits,
    np.ravel_multi_index,
    np.unpackbits,
)
constant(np.unravel_index, structure=Numberwise())
metadata(np.einsum_path)

# ---- files -----------------------------------------------------------------------------------------

refused(
    "a file holds plain numbers, and the derivative would be lost. Save what the function returns, or return the value with "
    "has_aux=True; inside the function, save stop_gradient(x).",
    np.save,
    np.savetxt,
    np.savez,
    np.savez_compressed,
)

# ---- text and records ------------------------------------------------------------------------------

_NOT_NUMBERS = "it works on text, which has no derivative. For text of a value being differentiated write str(x)."

_NO_RECORDS = (
    "records (structured arrays) are not differentiated. Keep the fields apart, in a dict of arrays or a dataclass."
)

# By their names, for importing them takes time.
REFUSED_MODULES.update(dict.fromkeys(("numpy.strings", "numpy.char", "numpy._core.defchararray"), _NOT_NUMBERS))
REFUSED_MODULES["numpy.lib.recfunctions"] = _NO_RECORDS

refused(_NOT_NUMBERS, *versions.text_ufuncs)
if versions.ones_like is not None:
    constant(versions.ones_like)
