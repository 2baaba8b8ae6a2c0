"""The command line of the benchmarks, and what it prints and writes. No times are tested."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest

import benchmarks.__main__ as command
from benchmarks.chart import write_chart
from benchmarks.memory import Memory, measure
from benchmarks.report import Report, means, memory_table, notes, ratio, times_table, write_json
from benchmarks.timing import Row, agree

ROOT = Path(command.__file__).parent.parent


def sample() -> Report:
    versions = dict.fromkeys(("dualgrad", "autograd", "JAX", "hand", "function"), "1.0")
    first = Row("one", "bound by overhead", {"dualgrad": 2.0, "autograd": 8.0, "JAX": 1.0}, {"JAX": 4.0})
    second = Row("two", "bound by overhead", {"dualgrad": 2.0, "autograd": 4.0, "hand": 1.0, "function": 0.5})
    third = Row("three", "the others", {"dualgrad": 1.0, "autograd": 3.0}, memory={"dualgrad": Memory(2_000_000, None)})
    return Report(1, versions, [first, second, third])


def test_a_ratio_is_of_another_to_ours_and_of_ours_to_a_yardstick() -> None:
    row = sample().rows[1]

    assert (ratio(row, "autograd"), ratio(row, "hand"), ratio(row, "function"), ratio(row, "JAX")) == (
        2.0,
        2.0,
        4.0,
        None,
    )


def test_means_are_geometric_and_by_group() -> None:
    report = sample()

    assert means(report, "bound by overhead") == pytest.approx(
        {"autograd": 8**0.5, "JAX": 0.5, "hand": 2.0, "function": 4.0}
    )
    assert means(report, "the others") == pytest.approx({"autograd": 3.0})


def test_the_table_has_a_line_for_each_problem_and_each_mean() -> None:
    lines = times_table(sample()).splitlines()

    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert cells[0][1:4] == ["ours, ms", "autograd / ours", "JAX / ours"]
    assert cells[3] == ["one", "2,000", "4.00", "0.50", "", "", "3.00"]
    assert cells[5][:3] == ["geometric mean", "", "2.83"]
    assert len({len(line) for line in lines}) == 1


def test_the_table_of_memory_has_the_traced_peaks() -> None:
    assert memory_table(sample()).splitlines()[2].split() == ["|", "three", "|", "2.00", "|"]


def test_more_threads_than_allowed_are_told() -> None:
    report = sample()
    report.rows[0].processors = {"JAX": 1.9, "dualgrad": 1.0}

    assert notes(report) == ["one: JAX kept 1.9 processors busy"]


def test_the_chart_has_a_dot_for_each_ratio(tmp_path: Path) -> None:
    write_chart(sample(), tmp_path / "chart.svg")

    root = ElementTree.parse(tmp_path / "chart.svg").getroot()
    svg = "{http://www.w3.org/2000/svg}"
    # Four ratios and two entries of the legend; the square of hand once each, beside the background.
    assert len(root.findall(f".//{svg}circle")) == 4 + 2
    assert len(root.findall(f".//{svg}rect")) == 1 + 1 + 1


def test_what_is_written_holds_ratios_and_means(tmp_path: Path) -> None:
    write_json(sample(), tmp_path / "run.json")

    found = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert found["rows"][0]["ratios"]["autograd"] == 4.0
    assert found["rows"][2]["memory"]["dualgrad"] == {"traced": 2_000_000, "resident": None}
    assert found["means"]["the others"]["autograd"] == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ((np.ones(2),), True),
        ((np.array([1.0, 1.01]),), False),
        ((np.array([1.0, np.nan]),), False),
        ((np.ones(3),), False),
        ((np.ones(2), np.ones(2)), False),
    ],
)
def test_answers_agree_or_not(given: tuple[Any, ...], verdict: bool) -> None:
    assert agree(given, (np.ones(2),), 1e-9) is verdict


def test_the_peak_of_a_call_is_what_it_holds_at_once() -> None:
    def three_at_once() -> None:
        first, second = np.ones(10**6), np.ones(10**6)
        np.add(first, second)

    memory = measure(three_at_once, traced=True)

    assert memory.traced is not None
    assert 2.4e7 <= memory.traced < 2.5e7


def test_a_quick_run_prints_and_writes(tmp_path: Path) -> None:
    options = ["--quick", "--only", "50 SINES", "--systems", "dualgrad", "hand"]
    files = ["--json", str(tmp_path / "run.json"), "--chart", str(tmp_path / "chart.svg")]

    run = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options, *files], cwd=ROOT, capture_output=True, text=True, timeout=120
    )

    assert run.returncode == 0, run.stderr
    assert "50 sines, a number" in run.stdout
    rows = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))["rows"]
    assert [(set(row["seconds"]), row["agrees"], row["rounds"]) for row in rows] == [
        ({"dualgrad", "hand"}, True, 2)
    ] * 2
    assert (tmp_path / "chart.svg").exists()


def test_an_unknown_name_lists_the_problems(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--only", "nothing like it"]) == 2

    assert "Rosenbrock, 10" in capsys.readouterr().out


def test_a_system_that_is_missing_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "is_installed", lambda name: False)

    assert command.main(["--systems", "JAX"]) == 2

    assert "JAX is left out" in capsys.readouterr().out
