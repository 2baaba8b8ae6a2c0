"""Fit the 27 nonlinear regression problems of the NIST StRD with exact derivatives, and count the correct digits.

The Statistical Reference Datasets of the National Institute of Standards and Technology are real and generated data
with certified answers: parameters and their standard deviations to 11 digits. Each problem comes with two starting
points, the first of them far away. A model is one line of NumPy; its Jacobian, its second derivative along a step and
its Hessian come from dualgrad. Beside it runs the same algorithm with finite differences.

    python examples/nist_strd.py                    all problems
    python examples/nist_strd.py MGH17 Bennett5     some of them
"""

from __future__ import annotations

import argparse
import csv
import sys
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

import dualgrad

Array: TypeAlias = NDArray[np.float64]
Value: TypeAlias = Any  # an array, or one that is being differentiated
Function: TypeAlias = Callable[[Value], Value]
Model: TypeAlias = Callable[[Value, Array], Value]

DATA = Path(__file__).parent / "data" / "nist_strd"
EPS = float(np.finfo(np.float64).eps)
WANTED_DIGITS = 8.0
PUBLISHED_DIGITS = 11.0

LEGEND = """\
The columns of the table:

* start: the starting point, 1 far from the answer or 2 near it.
* digits: correct digits of the parameters, -log10 of the largest relative error, 11 (all that are published) at the most.
* of s.d.: the same for the standard deviations of the parameters.
* iterations: steps that were tried.
* left out: what Gauss-Newton leaves out of the Hessian H of the sum of squares. With J = QR it is the largest
  eigenvalue, in absolute value, of R^-T (H/2) R^-1 - 1: the rate at which Gauss-Newton converges at this minimum.
* minimum: whether H is positive definite, the second-order condition that a small gradient cannot show.
"""


def saturation(b: Value, x: Array) -> Value:
    return b[0] * (1 - np.exp(-b[1] * x))


def misra1b(b: Value, x: Array) -> Value:
    return b[0] * (1 - (1 + b[1] * x / 2) ** -2)


def misra1c(b: Value, x: Array) -> Value:
    return b[0] * (1 - (1 + 2 * b[1] * x) ** -0.5)


def misra1d(b: Value, x: Array) -> Value:
    return b[0] * b[1] * x / (1 + b[1] * x)


def chwirut(b: Value, x: Array) -> Value:
    return np.exp(-b[0] * x) / (b[1] + b[2] * x)


def lanczos(b: Value, x: Array) -> Value:
    return b[0] * np.exp(-b[1] * x) + b[2] * np.exp(-b[3] * x) + b[4] * np.exp(-b[5] * x)


def two_peaks(b: Value, x: Array) -> Value:
    peaks = b[2] * np.exp(-((x - b[3]) ** 2) / b[4] ** 2) + b[5] * np.exp(-((x - b[6]) ** 2) / b[7] ** 2)
    return b[0] * np.exp(-b[1] * x) + peaks


def danwood(b: Value, x: Array) -> Value:
    return b[0] * x ** b[1]


def quadratics(b: Value, x: Array) -> Value:
    return (b[0] + b[1] * x + b[2] * x**2) / (1 + b[3] * x + b[4] * x**2)


def cubics(b: Value, x: Array) -> Value:
    return (b[0] + b[1] * x + b[2] * x**2 + b[3] * x**3) / (1 + b[4] * x + b[5] * x**2 + b[6] * x**3)


def nelson(b: Value, x: Array) -> Value:
    return b[0] - b[1] * x[0] * np.exp(-b[2] * x[1])


def mgh09(b: Value, x: Array) -> Value:
    return b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3])


def mgh10(b: Value, x: Array) -> Value:
    return b[0] * np.exp(b[1] / (x + b[2]))


def mgh17(b: Value, x: Array) -> Value:
    return b[0] + b[1] * np.exp(-x * b[3]) + b[2] * np.exp(-x * b[4])


def roszman(b: Value, x: Array) -> Value:
    return b[0] - b[1] * x - np.arctan(b[2] / (x - b[3])) / np.pi


def enso(b: Value, x: Array) -> Value:
    t = 2 * np.pi * x
    year = b[1] * np.cos(t / 12) + b[2] * np.sin(t / 12)
    slow = b[4] * np.cos(t / b[3]) + b[5] * np.sin(t / b[3])
    fast = b[7] * np.cos(t / b[6]) + b[8] * np.sin(t / b[6])
    return b[0] + year + slow + fast


def rat42(b: Value, x: Array) -> Value:
    return b[0] / (1 + np.exp(b[1] - b[2] * x))


def rat43(b: Value, x: Array) -> Value:
    return b[0] / (1 + np.exp(b[1] - b[2] * x)) ** (1 / b[3])


def eckerle(b: Value, x: Array) -> Value:
    return b[0] / b[1] * np.exp(-0.5 * ((x - b[2]) / b[1]) ** 2)


def bennett(b: Value, x: Array) -> Value:
    return b[0] * (b[1] + x) ** (-1 / b[2])


MODELS: dict[str, Model] = {
    "Misra1a": saturation,
    "Misra1b": misra1b,
    "Misra1c": misra1c,
    "Misra1d": misra1d,
    "BoxBOD": saturation,
    "Chwirut1": chwirut,
    "Chwirut2": chwirut,
    "Lanczos1": lanczos,
    "Lanczos2": lanczos,
    "Lanczos3": lanczos,
    "Gauss1": two_peaks,
    "Gauss2": two_peaks,
    "Gauss3": two_peaks,
    "DanWood": danwood,
    "Kirby2": quadratics,
    "Hahn1": cubics,
    "Thurber": cubics,
    "Nelson": nelson,
    "MGH09": mgh09,
    "MGH10": mgh10,
    "MGH17": mgh17,
    "Roszman1": roszman,
    "ENSO": enso,
    "Rat42": rat42,
    "Rat43": rat43,
    "Eckerle4": eckerle,
    "Bennett5": bennett,
}


@dataclass(frozen=True)
class Problem:
    """One problem of the collection: observations, two starting points, and the certified answer."""

    name: str
    level: str
    x: Array
    y: Array
    starts: tuple[Array, Array]
    parameters: Array
    deviations: Array
    sum_of_squares: float

    def residuals(self, b: Value) -> Value:
        return MODELS[self.name](b, self.x) - self.y


def load_problems() -> dict[str, Problem]:
    """Return the 27 problems by name, easy ones first, as NIST lists them."""
    rows: dict[str, list[list[float]]] = {}
    with (DATA / "observations.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["problem"], []).append([float(row[key]) for key in ("y", "x1", "x2") if row[key]])
    problems = {}
    for name, known in tomllib.loads((DATA / "problems.toml").read_text()).items():
        y, *x = np.array(rows[name]).T
        problems[name] = Problem(
            name=name,
            level=known["level"],
            x=np.stack(x) if len(x) > 1 else x[0],
            y=np.log(y) if known["formula"].startswith("log[y]") else y,
            starts=(np.array(known["start1"]), np.array(known["start2"])),
            parameters=np.array(known["parameters"]),
            deviations=np.array(known["standard_deviations"]),
            sum_of_squares=known["residual_sum_of_squares"],
        )
    return problems


class Derivatives(NamedTuple):
    """What the algorithm asks of a residual function: J(b), and the second derivative along v, r''(b)[v, v]."""

    jacobian: Callable[[Array], Array]
    curvature: Callable[[Array, Array], Array]


def exact(residuals: Function) -> Derivatives:
    """Return the derivatives by dualgrad: a Jacobian, and a pushforward of a pushforward."""

    def along(b: Value, v: Array) -> Value:
        return dualgrad.jvp(residuals, (b,), (v,))[1]

    def curvature(b: Array, v: Array) -> Value:
        return dualgrad.jvp(lambda a: along(a, v), (b,), (v,))[1]

    return Derivatives(dualgrad.jacfwd(residuals), curvature)


def differences(residuals: Function) -> Derivatives:
    """Return the derivatives by forward differences, with the steps that are customary."""

    def jacobian(b: Array) -> Array:
        r = residuals(b)
        columns = []
        for j in range(b.size):
            moved = b.copy()
            moved[j] += np.sqrt(EPS) * (abs(b[j]) or 1.0)
            columns.append((residuals(moved) - r) / (moved[j] - b[j]))
        return np.stack(columns, axis=1)

    def curvature(b: Array, v: Array) -> Array:
        # A tenth of the step: Transtrum and Sethna, arXiv:1201.5885.
        h = 0.1
        bend: Array = 2 / h * ((residuals(b + h * v) - residuals(b)) / h - jacobian(b) @ v)
        return bend

    return Derivatives(jacobian, curvature)


def fit(residuals: Function, derivatives: Derivatives, start: Array, limit: int = 5000) -> tuple[Array, int]:
    """Minimise the sum of squares by Levenberg-Marquardt; return the parameters and the number of iterations.

    Scaling after More (doi:10.1007/BFb0067700), damping after Nielsen (IMM-REP-1999-05), and steps along the geodesic
    after Transtrum and Sethna (arXiv:1201.5885). When what the gradient still promises is beneath the rounding of the
    sum of squares, comparing sums means nothing: Gauss-Newton steps then go on for as long as they shrink.
    """
    b, n = start, start.size
    r, jac = residuals(b), derivatives.jacobian(b)
    scale, damping, growth, last_step = np.zeros(n), 1.0, 2.0, float("inf")
    for iteration in range(1, limit + 1):
        lengths = np.linalg.norm(jac, axis=0)
        scale = np.maximum(scale, lengths)
        scale[scale == 0] = 1.0
        q, triangle = np.linalg.qr(jac)
        projected = q.T @ r
        if not np.all(np.isfinite(projected)):
            return b, iteration
        # Rounding b alone moves the residuals by this much; the rounding inside the model comes on top, hence the 10.
        blur = EPS * np.linalg.norm(np.abs(jac) @ np.abs(b))
        if projected @ projected <= 10 * blur * (2 * np.linalg.norm(r) + blur):
            b_new = b - np.linalg.solve(triangle, projected)
            r_new = residuals(b_new)
            step = float(np.linalg.norm(lengths * (b_new - b)))
            if not step < last_step or not np.all(np.isfinite(r_new)):
                return b, iteration
            b, r, jac, last_step = b_new, r_new, derivatives.jacobian(b_new), step
            continue

        # [J; sqrt(damping) D] p = [-r; 0] by orthogonal factors alone: the normal equations would square the condition,
        # and a cut on small singular values would stop MGH10, whose first column grows by fifty orders of magnitude.
        q_damped, triangle_damped = np.linalg.qr(np.vstack([triangle, np.sqrt(damping) * np.diag(scale)]))
        velocity = -np.linalg.solve(triangle_damped, q_damped[:n].T @ projected)
        bend = q.T @ derivatives.curvature(b, velocity)
        acceleration = -np.linalg.solve(triangle_damped, q_damped[:n].T @ bend)
        straight = 2 * np.linalg.norm(scale * acceleration) <= 0.75 * np.linalg.norm(scale * velocity)

        b_new = b + velocity + acceleration / 2
        r_new = residuals(b_new)
        promised = np.sum((triangle @ velocity) ** 2) + 2 * damping * np.sum((scale * velocity) ** 2)
        # A product of sum and difference keeps the digits that a difference of two sums of squares would cancel.
        gain = (r - r_new) @ (r + r_new) / promised
        if straight and np.isfinite(gain) and gain > 1e-4:
            b, r, jac = b_new, r_new, derivatives.jacobian(b_new)
            damping, growth, last_step = damping * max(1 / 3, 1 - (2 * min(gain, 1.0) - 1) ** 3), 2.0, float("inf")
        elif np.array_equal(b_new, b):
            return b, iteration
        else:
            damping, growth = damping * growth, growth * 2
    return b, limit


def standard_deviations(residuals: Array, jacobian: Array) -> Array:
    """Return the square roots of the diagonal of s^2 (J^T J)^-1, with J = QR: s times the row lengths of R^-1."""
    rows, columns = jacobian.shape
    lengths = np.linalg.norm(jacobian, axis=0)
    inverse = np.linalg.inv(np.linalg.qr(jacobian / lengths, mode="r"))
    s = np.linalg.norm(residuals) / np.sqrt(rows - columns)
    deviations: Array = s * np.linalg.norm(inverse, axis=1) / lengths
    return deviations


def relative_curvatures(residuals: Function, b: Array, jacobian: Array) -> Array:
    """Return the eigenvalues of R^-T (H/2) R^-1, H the Hessian of the sum of squares; Gauss-Newton takes all as 1."""
    hessian = dualgrad.hessian(lambda a: np.sum(residuals(a) ** 2))(b)
    inverse = np.linalg.inv(np.linalg.qr(jacobian, mode="r"))
    return np.linalg.eigvalsh(inverse.T @ (hessian / 2) @ inverse)


def correct_digits(found: Array, certified: Array) -> float:
    """Return the digits of the worst component: -log10 of its relative error, no more than were published."""
    error = float(np.max(np.abs(found - certified) / np.abs(certified)))
    if not np.isfinite(error):
        return -np.inf
    return min(PUBLISHED_DIGITS, -float(np.log10(max(error, EPS))))


class Result(NamedTuple):
    """What one fit with exact derivatives, and the same fit with differences, came to."""

    digits: float
    deviation_digits: float
    iterations: int
    left_out: float
    is_minimum: bool
    difference_digits: float
    difference_iterations: int


def solve(problem: Problem, start: Array) -> Result:
    """Fit one problem from one start, both ways."""
    # Far from the answer the models overflow; such steps are rejected by their residuals, so NumPy need not warn.
    with np.errstate(all="ignore"):
        derivatives = exact(problem.residuals)
        b, iterations = fit(problem.residuals, derivatives, start)
        jacobian = derivatives.jacobian(b)
        deviations = standard_deviations(problem.residuals(b), jacobian)
        curvatures = relative_curvatures(problem.residuals, b, jacobian)
        b_differences, iterations_differences = fit(problem.residuals, differences(problem.residuals), start)
    return Result(
        digits=correct_digits(b, problem.parameters),
        deviation_digits=correct_digits(deviations, problem.deviations),
        iterations=iterations,
        left_out=float(np.max(np.abs(curvatures - 1))),
        is_minimum=bool(np.min(curvatures) > 0),
        difference_digits=correct_digits(b_differences, problem.parameters),
        difference_iterations=iterations_differences,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table for the problems named (all if none); return 1 if a fit falls short, else 0."""
    problems = load_problems()
    parser = argparse.ArgumentParser(description="Fit the nonlinear regression problems of the NIST StRD.")
    parser.add_argument("problem", nargs="*", help=f"one or more of: {', '.join(problems)} (default: all)")
    names = parser.parse_args(arguments).problem or list(problems)
    for name in names:
        if name not in problems:
            parser.error(f"there is no problem {name!r}; choose from {', '.join(problems)}")

    print(LEGEND)
    print(f"{'':23}{'exact derivatives (dualgrad)':^48}  {'differences':^18}")
    print(f"{'problem':10}{'level':8}{'start':>5}", end="")
    print(f"{'digits':>8}{'of s.d.':>9}{'iterations':>12}{'left out':>10}{'minimum':>9}{'digits':>9}{'iterations':>12}")
    results = []
    for name in names:
        for number, start in enumerate(problems[name].starts, 1):
            result = solve(problems[name], start)
            results.append(result)
            print(f"{name:10}{problems[name].level:8}{number:5}", end="")
            print(f"{result.digits:8.1f}{result.deviation_digits:9.1f}{result.iterations:12}", end="")
            print(f"{result.left_out:10.1e}{'yes' if result.is_minimum else 'NO':>9}", end="")
            print(f"{result.difference_digits:9.1f}{result.difference_iterations:12}")

    reached = sum(result.digits >= WANTED_DIGITS and result.is_minimum for result in results)
    differences_reached = sum(result.difference_digits >= WANTED_DIGITS for result in results)
    print(f"\nFits that reach {WANTED_DIGITS:.0f} correct digits, of {len(results)}:", end=" ")
    print(f"{reached} with dualgrad, {differences_reached} with differences.")
    return 0 if reached == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
