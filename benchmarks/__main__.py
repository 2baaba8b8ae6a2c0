"""Times derivatives with dualgrad and with the other systems that are installed: `python -m benchmarks --help`.

Machines are noisy: the systems take turns, each keeps its fastest round, and only ratios are meant to be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.chart import write_chart
from benchmarks.counts import arrays_at_peak, element_ratio
from benchmarks.problem import Problem
from benchmarks.problems import PROBLEMS
from benchmarks.report import YARDSTICKS, Report, memory_table, notes, times_table, write_json
from benchmarks.systems import SYSTEMS, is_installed
from benchmarks.timing import measure
from benchmarks.worker import Worker


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Time derivatives, as ratios.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="problems whose names contain one of these")
    parser.add_argument("--systems", nargs="+", choices=SYSTEMS, default=list(SYSTEMS), help="default: all")
    parser.add_argument("--rounds", type=int, default=20, help="at most so many rounds for each problem (%(default)s)")
    parser.add_argument("--seconds", type=float, default=6.0, help="about so long for each problem (%(default)s)")
    parser.add_argument("--quick", action="store_true", help="2 rounds, without memory and counts")
    parser.add_argument("--threads", type=int, default=1, help="for every system (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all that was measured")
    parser.add_argument("--chart", type=Path, metavar="FILE", help="write a chart of the ratios, as SVG")
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds = min(options.rounds, 2)
    return options


def chosen(only: Sequence[str] | None) -> list[Problem]:
    """Return the problems whose names contain one of the given parts, in any case."""
    parts = [part.lower() for part in only or [""]]
    return [problem for problem in PROBLEMS if any(part in problem.name.lower() for part in parts)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the tables, write what was asked for; return 1 if systems disagree or fail."""
    options = parse(arguments)
    problems = chosen(options.only)
    if not problems:
        print("No problem has such a name. There are:", *(problem.name for problem in PROBLEMS), sep="\n  ")
        return 2
    for name in options.systems:
        if not is_installed(name):
            print(
                f"{name} is left out: the package {SYSTEMS[name].package} is not installed (pip install dualgrad[bench])"
            )
    if not any(map(is_installed, options.systems)):
        return 2
    workers = [Worker(name, options.threads) for name in SYSTEMS if name in options.systems and is_installed(name)]
    try:
        report = Report(options.threads, {worker.system: worker.version() for worker in workers})
        for number, problem in enumerate(problems, 1):
            print(f"{number}/{len(problems)} {problem.name}", file=sys.stderr)
            report.rows.append(measure(problem, workers, options.rounds, options.seconds, memory=not options.quick))
    finally:
        for worker in workers:
            worker.stop()
    if not options.quick and not options.only:
        report.counts = {"loop over x[i]: growth of the time per element": element_ratio()}
        report.counts["arrays held at the peak of 100 additions"] = arrays_at_peak()
    show(report)
    if options.json:
        write_json(report, options.json)
    if options.chart:
        write_chart(report, options.chart)
    return 0 if report.agrees() and not any(row.notes for row in report.rows) else 1


def show(report: Report) -> None:
    """Print the tables, the counts and the notes."""
    versions = [f"{name} {version}" for name, version in report.versions.items() if name not in YARDSTICKS]
    print(", ".join([*versions, f"NumPy {np.__version__}", f"{report.threads} thread(s)", report.machine]) + "\n")
    print(times_table(report))
    if any(row.memory for row in report.rows):
        print("\n" + memory_table(report))
    for name, value in report.counts.items():
        print(f"\n{name}: {value:.2f}")
    for note in notes(report):
        print(f"\nNote: {note}")


if __name__ == "__main__":
    sys.exit(main())
