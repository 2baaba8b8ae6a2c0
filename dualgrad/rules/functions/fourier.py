"""Fourier transforms: numpy.fft.

The matrix of a transform is symmetric, so fft and ifft are their own transposes (without conjugation). The transforms between
real signals and half spectra are pairs: in `y[j] = sum over all k of a[k] w^(jk)`, the half spectrum leaves out the
frequencies that conjugate those it has, so each kept one counts twice, but for frequency 0 and, of an even length, the
highest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from dualgrad._array.gather import as_operand
from dualgrad._table.facets import BATCH
from dualgrad._table.space import Function, Space, Value, dtype_of, shape_of
from dualgrad._trace.batch import axes_named
from dualgrad.rules.samples import A, case, cases
from dualgrad.rules.words import composite, linear

# ---- along one axis --------------------------------------------------------------------------------


def _resized(x: Value, length: int, axis: int) -> Value:
    """Return `x` cut, or filled up with zeros, to a length along an axis: the transpose of what `n=` does to an operand."""
    shape = shape_of(x)
    axis = range(len(shape))[axis]
    if shape[axis] == length:
        return x
    if shape[axis] > length:
        return x[(slice(None),) * axis + (slice(length),)]
    zeros = np.zeros((*shape[:axis], length - shape[axis], *shape[axis + 1 :]), dtype_of(x))
    return np.concatenate([x, zeros], axis=axis)


def _counts(x: Value, n: int, axis: int) -> Value:
    """Return how often each frequency of a half spectrum occurs in the spectrum of length n, in the real dtype of `x`."""
    shape = shape_of(x)
    counts = np.full(n // 2 + 1, 2, np.real(np.zeros(0, dtype_of(x))).dtype)
    counts[0] = 1
    if n % 2 == 0:
        counts[-1] = 1
    return counts.reshape([-1 if k == range(len(shape))[axis] else 1 for k in range(len(shape))])


def _fft_transpose(ct: Value, a: Space, *, n: int | None = None, axis: int = -1, norm: Any = None) -> Value:
    return _resized(np.fft.fft(ct, n, axis, norm), a.shape[axis], axis)


def _ifft_transpose(ct: Value, a: Space, *, n: int | None = None, axis: int = -1, norm: Any = None) -> Value:
    return _resized(np.fft.ifft(ct, n, axis, norm), a.shape[axis], axis)


def _from_half_spectrum(inverse: Function, ct: Value, a: Space, n: int | None, axis: int, norm: Any) -> Value:
    n = a.shape[axis] if n is None else n
    return _resized(inverse(ct / _counts(ct, n, axis), n, axis, norm), a.shape[axis], axis)


def _to_half_spectrum(forward: Function, ct: Value, a: Space, axis: int, norm: Any) -> Value:
    spectrum = forward(ct, None, axis, norm)
    return _resized(spectrum * _counts(spectrum, shape_of(ct)[axis], axis), a.shape[axis], axis)


def _rfft_transpose(ct: Value, a: Space, *, n: int | None = None, axis: int = -1, norm: Any = None) -> Value:
    return _from_half_spectrum(np.fft.hfft, ct, a, n, axis, norm)


def _ihfft_transpose(ct: Value, a: Space, *, n: int | None = None, axis: int = -1, norm: Any = None) -> Value:
    return _from_half_spectrum(np.fft.irfft, ct, a, n, axis, norm)


def _irfft_transpose(ct: Value, a: Space, *, n: int | None = None, axis: int = -1, norm: Any = None) -> Value:
    return _to_half_spectrum(np.fft.ihfft, ct, a, axis, norm)


def _hfft_transpose(ct: Value, a: Space, *, n: int | None = None, axis: int = -1, norm: Any = None) -> Value:
    return _to_half_spectrum(np.fft.rfft, ct, a, axis, norm)


def _samples(is_complex: bool) -> Any:
    return cases(
        case(A(4, is_complex=is_complex)),
        case(A(5, is_complex=is_complex)),
        case(A(4), 6),
        case(A(2, 5, is_complex=is_complex), n=3, norm="ortho"),
        case(A(3, 2, is_complex=is_complex), axis=0, norm="forward"),
        case(A(3, 2), 4, -2, "backward"),
        case(A(2, is_complex=is_complex), 1),
        case(A(3, 0, is_complex=is_complex), axis=0),
    )


# Which numbers along the axis they depend on is read off their matrices: where n cuts the axis short, not on all.
_BATCH = (BATCH(axes_named("axis", axis=-1)),)

linear(np.fft.fft, _fft_transpose, says=_BATCH, samples=_samples(True))
linear(np.fft.ifft, _ifft_transpose, says=_BATCH, samples=_samples(True))
linear(np.fft.rfft, _rfft_transpose, says=_BATCH, samples=_samples(False))
linear(np.fft.irfft, _irfft_transpose, says=_BATCH, samples=_samples(True))
linear(np.fft.hfft, _hfft_transpose, says=_BATCH, samples=_samples(True))
linear(np.fft.ihfft, _ihfft_transpose, says=_BATCH, samples=_samples(False))

# ---- along several axes ----------------------------------------------------------------------------


def _lengths_and_axes(a: Value, s: Any, axes: Any, halved: bool = False) -> tuple[list[int], list[int]]:
    """Return the lengths and axes of a transform along several axes; `halved` says that `a` is half a spectrum."""
    shape = shape_of(a)
    if axes is None:
        axes = range(-len(shape if s is None else s), 0)
    axes = list(axes)
    if s is None:
        lengths = [shape[k] for k in axes]
        if halved:
            lengths[-1] = (lengths[-1] - 1) * 2
        return lengths, axes
    if len(s) != len(axes):
        raise ValueError("Shape and axes have different lengths.")
    return [shape[k] if n is None or n == -1 else n for n, k in zip(s, axes, strict=True)], axes


def _last_first(fun: Function, a: Value, lengths: Sequence[int], axes: Sequence[int], norm: Any) -> Value:
    for n, k in zip(reversed(lengths), reversed(axes), strict=True):
        a = fun(a, n, k, norm)
    return a


def _fftn(a: Value, s: Any = None, axes: Any = None, norm: Any = None, out: None = None) -> Value:
    a = as_operand(a)
    return _last_first(np.fft.fft, a, *_lengths_and_axes(a, s, axes), norm)


def _ifftn(a: Value, s: Any = None, axes: Any = None, norm: Any = None, out: None = None) -> Value:
    a = as_operand(a)
    return _last_first(np.fft.ifft, a, *_lengths_and_axes(a, s, axes), norm)


def _rfftn(a: Value, s: Any = None, axes: Any = None, norm: Any = None, out: None = None) -> Value:
    a = as_operand(a)
    lengths, axes = _lengths_and_axes(a, s, axes)
    half = np.fft.rfft(a, lengths[-1], axes[-1], norm)
    return _last_first(np.fft.fft, half, lengths[:-1], axes[:-1], norm)


def _irfftn(a: Value, s: Any = None, axes: Any = None, norm: Any = None, out: None = None) -> Value:
    a = as_operand(a)
    lengths, axes = _lengths_and_axes(a, s, axes, halved=True)
    for n, k in zip(lengths[:-1], axes[:-1], strict=True):
        a = np.fft.ifft(a, n, k, norm)
    return np.fft.irfft(a, lengths[-1], axes[-1], norm)


def _fft2(a: Value, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: None = None) -> Value:
    return _fftn(a, s, axes, norm)


def _ifft2(a: Value, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: None = None) -> Value:
    return _ifftn(a, s, axes, norm)


def _rfft2(a: Value, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: None = None) -> Value:
    return _rfftn(a, s, axes, norm)


def _irfft2(a: Value, s: Any = None, axes: Any = (-2, -1), norm: Any = None, out: None = None) -> Value:
    return _irfftn(a, s, axes, norm)


def _planes(is_complex: bool) -> Any:
    return cases(
        case(A(3, 4, is_complex=is_complex)),
        case(A(2, 3, 4), (2, 3), (2, 0), "ortho"),
        case(A(3, 4, is_complex=is_complex), s=(4, 2), axes=(0, 1), norm="forward"),
        case(A(3, 3, is_complex=is_complex), s=(-1, 5), axes=(-2, -1), norm="backward"),
    )


def _volumes(is_complex: bool) -> Any:
    extra = [case(A(2, 3, 2, is_complex=is_complex)), case(A(3, is_complex=is_complex)), case(A(2, 3), axes=(1,))]
    return lambda rng: [*_planes(is_complex)(rng), *cases(*extra)(rng)]


composite(np.fft.fftn, _fftn, samples=_volumes(True))
composite(np.fft.ifftn, _ifftn, samples=_volumes(True))
composite(np.fft.rfftn, _rfftn, samples=_volumes(False))
composite(np.fft.irfftn, _irfftn, samples=_volumes(True))
composite(np.fft.fft2, _fft2, samples=_planes(True))
composite(np.fft.ifft2, _ifft2, samples=_planes(True))
composite(np.fft.rfft2, _rfft2, samples=_planes(False))
composite(np.fft.irfft2, _irfft2, samples=_planes(True))

# ---- shifts ----------------------------------------------------------------------------------------


def _shift_axes(x: Value, axes: Any) -> tuple[int, ...]:
    if axes is None:
        return tuple(range(len(shape_of(x))))
    return (int(axes),) if isinstance(axes, (int, np.integer)) else tuple(axes)


def _fftshift(x: Value, axes: Any = None) -> Value:
    x = as_operand(x)
    axes = _shift_axes(x, axes)
    return np.roll(x, tuple([shape_of(x)[k] // 2 for k in axes]), axes)


def _ifftshift(x: Value, axes: Any = None) -> Value:
    x = as_operand(x)
    axes = _shift_axes(x, axes)
    return np.roll(x, tuple([-(shape_of(x)[k] // 2) for k in axes]), axes)


_SHIFTS = cases(case(A(5)), case(A(3, 4)), case(A(3, 4), 1), case(A(2, 3, is_complex=True), axes=(-1, 0)))

composite(np.fft.fftshift, _fftshift, samples=_SHIFTS)
composite(np.fft.ifftshift, _ifftshift, samples=_SHIFTS)
