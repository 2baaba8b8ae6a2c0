"""The problems, one file for each family."""

from benchmarks.problem import Group
from benchmarks.problems import (
    black_scholes,
    brusselator,
    bundle,
    chains,
    eigenvalues,
    gaussian_process,
    hand_tracking,
    jacobians,
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
    jacobians,
    brusselator,
)
# In the order of the report.
PROBLEMS = tuple(
    sorted(
        (problem for family in FAMILIES for problem in family.PROBLEMS),
        key=lambda problem: list(Group).index(problem.group),
    )
)
