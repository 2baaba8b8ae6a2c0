"""The table speaks of every function that NumPy lets it speak of: a new one fails here, and is never a wrong number."""

from __future__ import annotations

import numpy as np

from dualgrad._core.primitive import name_of
from tests.coverage_page import absent, overridable

PENDING = frozenset(
    (
        "numpy.convolve",
        "numpy.corrcoef",
        "numpy.correlate",
        "numpy.cov",
        "numpy.fft.fft",
        "numpy.fft.fft2",
        "numpy.fft.fftn",
        "numpy.fft.fftshift",
        "numpy.fft.hfft",
        "numpy.fft.ifft",
        "numpy.fft.ifft2",
        "numpy.fft.ifftn",
        "numpy.fft.ifftshift",
        "numpy.fft.ihfft",
        "numpy.fft.irfft",
        "numpy.fft.irfft2",
        "numpy.fft.irfftn",
        "numpy.fft.rfft",
        "numpy.fft.rfft2",
        "numpy.fft.rfftn",
        "numpy.gradient",
        "numpy.histogram",
        "numpy.histogram2d",
        "numpy.histogram_bin_edges",
        "numpy.histogramdd",
        "numpy.i0",
        "numpy.in1d",
        "numpy.interp",
        "numpy.intersect1d",
        "numpy.lib.scimath.arccos",
        "numpy.lib.scimath.arcsin",
        "numpy.lib.scimath.arctanh",
        "numpy.lib.scimath.log",
        "numpy.lib.scimath.log10",
        "numpy.lib.scimath.log2",
        "numpy.lib.scimath.logn",
        "numpy.lib.scimath.power",
        "numpy.lib.scimath.sqrt",
        "numpy.median",
        "numpy.nancumprod",
        "numpy.nancumsum",
        "numpy.nanmax",
        "numpy.nanmean",
        "numpy.nanmedian",
        "numpy.nanmin",
        "numpy.nanpercentile",
        "numpy.nanprod",
        "numpy.nanquantile",
        "numpy.nanstd",
        "numpy.nansum",
        "numpy.nanvar",
        "numpy.percentile",
        "numpy.quantile",
        "numpy.setdiff1d",
        "numpy.setxor1d",
        "numpy.sinc",
        "numpy.trapezoid",
        "numpy.union1d",
        "numpy.unique",
        "numpy.unique_all",
        "numpy.unique_counts",
        "numpy.unique_inverse",
        "numpy.unique_values",
        "numpy.unwrap",
    )
)
"""The functions that are still to come: an entry goes when its rule arrives."""


def still_absent() -> set[str]:
    # NumPy 2.0 names a private module.
    return {name.replace("._scimath_impl.", ".scimath.") for name in absent()}


def test_the_table_speaks_of_every_function() -> None:
    assert still_absent() - PENDING == set()


def test_what_is_pending_is_absent() -> None:
    here = {name_of(f) for f in overridable()}
    assert PENDING & here - still_absent() == set()


def test_numpy_reports_what_it_lets_be_overridden() -> None:
    names = {name_of(f) for f in overridable()}
    assert {"numpy.sin", "numpy.concatenate", "numpy.linalg.solve", "numpy.eye"} <= names
    assert len(names) > 300
    assert np.sin in overridable()
