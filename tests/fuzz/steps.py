"""The steps that random programs are made of: each a few of NumPy's functions, defined everywhere and of moderate size.

A step takes a namespace (NumPy's, or a peer's with the same names), arrays, and numbers to choose its parameters with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Step = Callable[..., Any]

UNARY: dict[str, Step] = {
    "sin": lambda xp, a: xp.sin(a),
    "cos_square": lambda xp, a: xp.cos(a) ** 2,
    "tanh": lambda xp, a: xp.tanh(a),
    "exp": lambda xp, a: xp.exp(-(a**2)),
    "expm1": lambda xp, a: xp.expm1(xp.tanh(a)),
    "log": lambda xp, a: xp.log(1.0 + a * a),
    "log1p": lambda xp, a: xp.log1p(xp.abs(a)),
    "sqrt": lambda xp, a: xp.sqrt(1.0 + xp.square(a)),
    "cbrt": lambda xp, a: xp.cbrt(2.0 + xp.sin(a)),
    "logistic": lambda xp, a: 1 / (1 + xp.exp(-a)),
    "reciprocal": lambda xp, a: 1.0 / (2.0 + xp.cos(a)),
    "arctan": lambda xp, a: xp.arctan(a),
    "arcsinh": lambda xp, a: xp.arcsinh(a),
    "arcsin": lambda xp, a: xp.arcsin(0.9 * xp.sin(a)),
    "sinc": lambda xp, a: xp.sinc(a),
    "abs": lambda xp, a: xp.abs(a),
    "power": lambda xp, a: a**3 - 0.5 * a**2,
    "real_power": lambda xp, a: (1.5 + xp.tanh(a)) ** 1.7,
    "power_of_float": lambda xp, a: 1.5 ** xp.tanh(a),
    "masked_log": lambda xp, a: xp.where(a > 0, a * xp.log(xp.where(a > 0, a, 1.0)), 0.0),
    "masked_root": lambda xp, a: xp.where(a > 0, xp.sqrt(xp.where(a > 0, a, 1.0)), -a),
    "clip": lambda xp, a: xp.clip(a, -0.8, 1.1),
    "relu": lambda xp, a: xp.maximum(a, 0.0) + 0.1 * a,
    "minimum": lambda xp, a: xp.minimum(a, a * a),
    "select": lambda xp, a: xp.select([a > 1.0, a > 0.0], [a * a, xp.sin(a)], 0.3 * a),
    "angle": lambda xp, a: xp.angle(xp.exp(1j * xp.tanh(a))),
    "complex": lambda xp, a: xp.abs(xp.exp((0.3 + 0.5j) * xp.sin(a)) + 0.2j),
    "nan_to_num": lambda xp, a: xp.nan_to_num(a) * 0.5,
    "interp": lambda xp, a: xp.interp(a, np.array([-1.0, 0.1, 1.3]), np.array([0.5, -0.2, 1.0])),
    "softmax": lambda xp, a: xp.exp(a - xp.max(a)) / xp.sum(xp.exp(a - xp.max(a))),
    "standardised": lambda xp, a: (a - xp.mean(a)) / (1.0 + xp.std(a)),
    "transposed": lambda xp, a: xp.transpose(a),
    "flipped": lambda xp, a: xp.flip(a),
    "raveled": lambda xp, a: xp.ravel(a),
    "expanded": lambda xp, a: a[None],
    "triangle": lambda xp, a: xp.tril(xp.atleast_2d(a)),
    "detached": lambda xp, a: a + xp.round(a),
    "fourier": lambda xp, a: xp.real(xp.fft.ifft(xp.fft.fft(xp.atleast_1d(a)) * 1j)),
    "spectrum": lambda xp, a: xp.abs(xp.fft.rfft(xp.atleast_1d(a)) + 0.1) ** 2,
}

BINARY: dict[str, Step] = {
    "add": lambda xp, a, b: a + b,
    "subtract": lambda xp, a, b: a - 0.7 * b,
    "multiply": lambda xp, a, b: a * b,
    "divide": lambda xp, a, b: a / (1.0 + b * b),
    "hypot": lambda xp, a, b: xp.hypot(a, b + 0.3),
    "arctan2": lambda xp, a, b: xp.arctan2(a, 2.0 + xp.sin(b)),
    "logaddexp": lambda xp, a, b: xp.logaddexp(a, b),
    "maximum": lambda xp, a, b: xp.maximum(a, b),
    "fmin": lambda xp, a, b: xp.fmin(a, 0.5 * b),
    "where": lambda xp, a, b: xp.where(a > b, xp.sin(a), a * b),
    "power": lambda xp, a, b: (1.2 + xp.tanh(a)) ** xp.tanh(b),
    "remainder": lambda xp, a, b: xp.remainder(a, 5.0 + xp.cos(b)),
}

# With an axis that exists.
REDUCTIONS: dict[str, Step] = {
    "sum": lambda xp, a, axis, keepdims: xp.sum(a, axis=axis, keepdims=keepdims),
    "mean": lambda xp, a, axis, keepdims: xp.mean(a, axis=axis, keepdims=keepdims),
    "prod": lambda xp, a, axis, keepdims: xp.prod(xp.tanh(a), axis=axis, keepdims=keepdims),
    "max": lambda xp, a, axis, keepdims: xp.max(a, axis=axis, keepdims=keepdims),
    "min": lambda xp, a, axis, keepdims: xp.min(a, axis=axis, keepdims=keepdims),
    "var": lambda xp, a, axis, keepdims: xp.var(a, axis=axis, keepdims=keepdims),
    "std": lambda xp, a, axis, keepdims: xp.std(a, axis=axis, keepdims=keepdims),
    "median": lambda xp, a, axis, keepdims: xp.median(a, axis=axis, keepdims=keepdims),
    "quantile": lambda xp, a, axis, keepdims: xp.quantile(a, 0.3, axis=axis, keepdims=keepdims),
    "norm": lambda xp, a, axis, keepdims: xp.linalg.norm(a, axis=axis, keepdims=keepdims),
    "nansum": lambda xp, a, axis, keepdims: xp.nansum(a, axis=axis, keepdims=keepdims),
    "ptp": lambda xp, a, axis, keepdims: xp.ptp(a, axis=axis, keepdims=keepdims),
    "logsumexp": lambda xp, a, axis, keepdims: xp.log(xp.sum(xp.exp(a), axis=axis, keepdims=keepdims)),
}

ALONG: dict[str, Step] = {
    "cumsum": lambda xp, a, axis: xp.cumsum(a, axis=axis),
    "cumprod": lambda xp, a, axis: xp.cumprod(xp.cos(a), axis=axis),
    "sort": lambda xp, a, axis: xp.sort(a, axis=axis),
    "by_argsort": lambda xp, a, axis: xp.take_along_axis(a, xp.argsort(-a, axis=axis), axis=axis),
    "diff": lambda xp, a, axis: xp.diff(a, axis=axis, prepend=0.0),
    "roll": lambda xp, a, axis: xp.roll(a, 1, axis=axis) * a,
    "flip": lambda xp, a, axis: xp.flip(a, axis=axis) + 0.5 * a,
    "repeat": lambda xp, a, axis: xp.repeat(a, 2, axis=axis),
    "take": lambda xp, a, axis: xp.take(a, np.array([0, -1, 0]), axis=axis),
    "concatenate": lambda xp, a, axis: xp.concatenate([a, xp.sin(a)], axis=axis),
    "stack": lambda xp, a, axis: xp.stack([a, a * a], axis=axis),
    "moveaxis": lambda xp, a, axis: xp.moveaxis(a, axis, 0),
    "split": lambda xp, a, axis: xp.array_split(a, 2, axis=axis)[0],
    "item": lambda xp, a, axis: xp.moveaxis(a, axis, 0)[-1],
    "slice": lambda xp, a, axis: xp.moveaxis(a, axis, 0)[::-2],
    "fancy": lambda xp, a, axis: xp.moveaxis(a, axis, 0)[np.array([[0, -1], [-1, -1]])],
    "pad": lambda xp, a, axis: xp.pad(a, [(1, 2) if k == axis else (0, 0) for k in range(a.ndim)], mode="edge"),
    "trapezoid": lambda xp, a, axis: xp.trapezoid(a, axis=axis),
    "outside": lambda xp, a, axis: xp.expand_dims(a, axis) * xp.expand_dims(xp.sin(a), axis + 1),
}


def _matrix(xp: Any, a: Any) -> Any:
    """Return a well-conditioned symmetric matrix made of an array, whose eigenvalues differ also where that holds zeros."""
    v = xp.ravel(a)[:3]
    return xp.outer(xp.sin(v), xp.sin(v)) + xp.diag(1.5 + 0.2 * np.arange(v.shape[0]) + v * v * 0.3)


def _skewed(xp: Any, a: Any) -> Any:
    v = xp.ravel(a)[:3]
    return _matrix(xp, a) + 0.3 * xp.tril(xp.outer(v, xp.cos(v)))


MATRICES: dict[str, Step] = {
    "matmul": lambda xp, a: _skewed(xp, a) @ _matrix(xp, a),
    "dot": lambda xp, a: xp.dot(xp.ravel(a), xp.ravel(a)),
    "einsum": lambda xp, a: xp.einsum("ij,kj->ik", _skewed(xp, a), _matrix(xp, a)),
    "tensordot": lambda xp, a: xp.tensordot(_skewed(xp, a), _matrix(xp, a), axes=([0], [1])),
    "outer": lambda xp, a: xp.outer(xp.ravel(a)[:3], xp.ravel(a)[-3:]),
    "kron": lambda xp, a: xp.kron(xp.ravel(a)[:2], xp.ravel(a)[-3:]),
    "convolve": lambda xp, a: xp.convolve(xp.ravel(a), xp.ravel(a)[:3]),
    "det": lambda xp, a: xp.linalg.det(_skewed(xp, a)),
    "slogdet": lambda xp, a: xp.linalg.slogdet(_skewed(xp, a))[1],
    "inv": lambda xp, a: xp.linalg.inv(_skewed(xp, a)),
    "solve": lambda xp, a: xp.linalg.solve(_skewed(xp, a), _matrix(xp, a)),
    "cholesky": lambda xp, a: xp.linalg.cholesky(_matrix(xp, a)),
    "eigvalsh": lambda xp, a: xp.linalg.eigvalsh(_matrix(xp, a)),
    "svdvals": lambda xp, a: xp.linalg.svd(_skewed(xp, a), compute_uv=False),
    "qr": lambda xp, a: xp.abs(xp.linalg.qr(_skewed(xp, a))[1]),
    "pinv": lambda xp, a: xp.linalg.pinv(_skewed(xp, a)),
    "matrix_power": lambda xp, a: xp.linalg.matrix_power(_matrix(xp, a) * 0.3, 3),
    "trace": lambda xp, a: xp.trace(_skewed(xp, a)),
    "diagonal": lambda xp, a: xp.diagonal(_skewed(xp, a)),
}


# Derivatives within the program: the namespace brings the transformations.
NESTED: dict[str, Step] = {
    "grad": lambda xp, a: xp.grad(lambda z: xp.sum(xp.sin(z) * z * z))(a),
    "grad_of_closure": lambda xp, a: a * xp.grad(lambda z: xp.sum(xp.tanh(z * a)))(a),
    "grad_of_norm": lambda xp, a: xp.grad(lambda z: xp.sqrt(1.0 + xp.sum(z**2)))(a),
    "jvp": lambda xp, a: xp.jvp(lambda z: xp.exp(xp.sin(z)), (a,), (xp.cos(a),))[1],
    "vjp": lambda xp, a: xp.vjp(lambda z: xp.cumsum(xp.ravel(z) ** 2), a)[1](xp.ravel(xp.sin(a)))[0],
    "hessian": lambda xp, a: xp.hessian(lambda z: xp.sum(z) * xp.sum(xp.sin(z)))(xp.ravel(a)[:3]),
    "vmap": lambda xp, a: xp.vmap(lambda z: xp.sum(z * xp.sin(z)))(xp.atleast_1d(a)),
    "vmap_of_grad": lambda xp, a: xp.vmap(xp.grad(lambda z: xp.sum(xp.cos(z) * z)))(xp.atleast_1d(a)),
    "jacfwd": lambda xp, a: xp.jacfwd(lambda z: z * xp.sum(z * z))(xp.ravel(a)[:2]),
    "jacrev": lambda xp, a: xp.jacrev(lambda z: z * xp.prod(xp.tanh(z)))(xp.ravel(a)[:3]),
}
