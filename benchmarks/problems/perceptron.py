"""A perceptron with one hidden layer, as for handwritten digits: its gradient, and its Hessian times a vector."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.problem import Data, Derivative, Problem, Variables


def loss(xp: Any, x: Variables, data: Data) -> Any:
    w1, b1, w2, b2 = x
    hidden = xp.tanh(data["images"] @ w1 + b1)
    logits = hidden @ w2 + b2
    logits = logits - xp.max(logits, axis=1, keepdims=True)
    logs = logits - xp.log(xp.sum(xp.exp(logits), axis=1, keepdims=True))
    return -xp.mean(logs[data["rows"], data["digits"]])


def loss_by_torch(torch: Any, x: Variables, data: Data) -> Any:
    w1, b1, w2, b2 = x
    hidden = torch.tanh(data["images"] @ w1 + b1)
    return torch.nn.functional.cross_entropy(hidden @ w2 + b2, data["digits"])


def gradient_by_hand(x: Variables, data: Data) -> Variables:
    w1, b1, w2, b2 = x
    images, rows = data["images"], data["rows"]
    hidden = images @ w1
    hidden += b1
    np.tanh(hidden, out=hidden)
    ct = hidden @ w2 + b2
    ct -= ct.max(axis=1, keepdims=True)
    np.exp(ct, out=ct)
    ct /= ct.sum(axis=1, keepdims=True)
    ct[rows, data["digits"]] -= 1.0
    ct /= rows.size
    ct_w2, ct_b2 = hidden.T @ ct, ct.sum(axis=0)
    ct = ct @ w2.T
    hidden *= hidden
    ct *= 1.0 - hidden
    return images.T @ ct, ct.sum(axis=0), ct_w2, ct_b2


def hvp_by_hand(x: Variables, data: Data) -> Variables:
    """Return the derivative of `gradient_by_hand` along the direction: Pearlmutter's R-operator (1994)."""
    w1, b1, w2, b2 = x
    r_w1, r_b1, r_w2, r_b2 = data["direction"]
    images, rows = data["images"], data["rows"]
    hidden = np.tanh(images @ w1 + b1)
    slope = 1.0 - hidden * hidden
    r_hidden = slope * (images @ r_w1 + r_b1)
    p = hidden @ w2 + b2
    p = np.exp(p - p.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    r_logits = r_hidden @ w2 + hidden @ r_w2 + r_b2
    r_ct = p * (r_logits - np.sum(p * r_logits, axis=1, keepdims=True)) / rows.size
    ct = p
    ct[rows, data["digits"]] -= 1.0
    ct /= rows.size
    r_w2_ct = r_hidden.T @ ct + hidden.T @ r_ct
    back = (r_ct @ w2.T + ct @ r_w2.T) * slope - (ct @ w2.T) * (2.0 * hidden * r_hidden)
    return images.T @ back, back.sum(axis=0), r_w2_ct, r_ct.sum(axis=0)


def digits(rng: np.random.Generator, pixels: int, hidden: int, classes: int, batch: int) -> tuple[Variables, Data]:
    def parameters(scale: float) -> Variables:
        return (
            scale * rng.standard_normal((pixels, hidden)) / np.sqrt(pixels),
            scale * rng.standard_normal(hidden),
            scale * rng.standard_normal((hidden, classes)) / np.sqrt(hidden),
            scale * rng.standard_normal(classes),
        )

    data = {
        "images": rng.uniform(0.0, 1.0, (batch, pixels)),
        "digits": rng.integers(0, classes, batch),
        "rows": np.arange(batch),
        "direction": parameters(1.0),
    }
    return parameters(0.5), data


SIZE = {"pixels": 784, "hidden": 256, "classes": 10, "batch": 128}
SMALL = {"pixels": 5, "hidden": 4, "classes": 3, "batch": 6}

PROBLEMS = (
    Problem(
        name="perceptron 784-256-10, batch 128",
        overhead_bound=False,
        function=loss,
        torch=loss_by_torch,
        hand=gradient_by_hand,
        make=digits,
        size=SIZE,
        small=SMALL,
    ),
    Problem(
        name="perceptron, Hessian times vector",
        overhead_bound=False,
        function=loss,
        torch=loss_by_torch,
        hand=hvp_by_hand,
        make=digits,
        size=SIZE,
        small=SMALL,
        derivative=Derivative.HVP,
    ),
)
