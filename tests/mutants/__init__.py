"""Mutants of what records say beside their formulas; how any is put into the table, and what every mutation check prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from dualgrad._table.record import RECORDS, Record, install


@contextmanager
def installed(record: Record) -> Iterator[None]:
    """Put a record in the place of the one with its key, for a while."""
    original = RECORDS[record.key]
    install(record)
    try:
        yield
    finally:
        install(original)


def report(title: str, total: int, survivors: Sequence[str], equivalent: Mapping[str, str]) -> int:
    """Print how many mutants are caught, and which are not; return the exit code."""
    print(f"{total - len(survivors)} of {total} {title} are caught ({1 - len(survivors) / max(total, 1):.1%}).")
    for name in survivors:
        print(f"  not caught: {name}{f' (equivalent: {equivalent[name]})' if name in equivalent else ''}")
    return int(any(name not in equivalent for name in survivors))
