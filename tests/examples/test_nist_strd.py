"""The NIST example: its data are whole, its models are the published formulas, its fits reach the certified digits."""

from __future__ import annotations

import importlib.util
import re
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def load_example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("nist_strd", EXAMPLES / "nist_strd.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module


nist = load_example()
PROBLEMS = nist.load_problems()
PUBLISHED: dict[str, dict[str, Any]] = tomllib.loads((EXAMPLES / "data/nist_strd/problems.toml").read_text())


def test_the_collection_is_whole() -> None:
    assert len(PROBLEMS) == 27
    assert set(PROBLEMS) == set(nist.MODELS)
    assert sum(problem.y.size for problem in PROBLEMS.values()) == 2176


@pytest.mark.parametrize("name", PROBLEMS)
def test_sizes_agree_with_the_published_ones(name: str) -> None:
    problem, published = PROBLEMS[name], PUBLISHED[name]

    assert problem.y.size == problem.x.shape[-1] == published["observations"]
    assert problem.parameters.size == problem.y.size - published["degrees_of_freedom"]
    assert problem.starts[0].shape == problem.starts[1].shape == problem.deviations.shape == problem.parameters.shape


@pytest.mark.parametrize("name", PROBLEMS)
def test_model_is_the_published_formula(name: str) -> None:
    problem = PROBLEMS[name]
    formula = PUBLISHED[name]["formula"].split("=")[1].replace("[", "(").replace("]", ")").strip()
    names = {f"b{j}": value for j, value in enumerate(problem.parameters, 1)}
    names |= {"x": problem.x, "exp": np.exp, "cos": np.cos, "sin": np.sin, "arctan": np.arctan, "pi": np.pi}
    if re.search(r"\bx2\b", formula):
        names |= {"x1": problem.x[0], "x2": problem.x[1]}

    expected = eval(formula, names)

    np.testing.assert_allclose(nist.MODELS[name](problem.parameters, problem.x), expected, rtol=1e-12)


@pytest.mark.parametrize("name", PROBLEMS)
def test_certified_parameters_give_the_certified_sum_of_squares(name: str) -> None:
    problem = PROBLEMS[name]

    found = np.sum(problem.residuals(problem.parameters) ** 2)

    # Lanczos1 leaves residuals of 1e-13, less than the eleventh digit of a parameter is worth.
    assert found == pytest.approx(problem.sum_of_squares, rel=1e-8, abs=1e-20)


@pytest.mark.parametrize("number", [1, 2])
@pytest.mark.parametrize("name", ["Misra1a", "Nelson", "MGH09", "BoxBOD", "Eckerle4", "Rat43", "Thurber", "Bennett5"])
def test_fit_reaches_the_certified_digits(name: str, number: int) -> None:
    result = nist.solve(PROBLEMS[name], PROBLEMS[name].starts[number - 1])

    assert result.digits >= 9
    assert result.deviation_digits >= 9
    assert result.is_minimum


def test_the_table_says_how_many_fits_succeed(capsys: pytest.CaptureFixture[str]) -> None:
    status = nist.main(["DanWood"])

    assert status == 0
    assert "of 2: 2 with dualgrad" in capsys.readouterr().out


def test_every_column_of_the_table_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    nist.main(["DanWood"])

    out = capsys.readouterr().out
    legend, header = out.split("problem   level")
    for column in re.split(r"\s{2,}", header.splitlines()[0].strip()):
        assert f"* {column}:" in legend


def test_an_unknown_problem_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        nist.main(["Misra1z"])

    assert "there is no problem 'Misra1z'" in capsys.readouterr().err


def test_correct_digits_counts_the_worst_component() -> None:
    certified = np.array([1.0, 100.0])

    assert nist.correct_digits(certified, certified) == 11
    assert nist.correct_digits(np.array([1.0, 100.1]), certified) == pytest.approx(3)
    assert nist.correct_digits(np.array([np.nan, 100.0]), certified) == -np.inf
