"""The problems, one file for each family."""

from benchmarks.problems import (
    black_scholes,
    bundle,
    chains,
    eigenvalues,
    gaussian_process,
    hand_tracking,
    lotka_volterra,
    mixture,
    perceptron,
    recurrent,
    regression,
    rosenbrock,
)

FAMILIES = (
    chains,
    rosenbrock,
    lotka_volterra,
    recurrent,
    regression,
    perceptron,
    mixture,
    bundle,
    hand_tracking,
    gaussian_process,
    black_scholes,
    eigenvalues,
)
# Those that Python bounds come first, as in the report.
PROBLEMS = tuple(
    sorted(
        (problem for family in FAMILIES for problem in family.PROBLEMS), key=lambda problem: not problem.overhead_bound
    )
)
