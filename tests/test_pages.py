"""The pages that are written by programs are current, and every link of the documentation leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests import api_page, coverage_page

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def test_the_reference_is_what_the_docstrings_say() -> None:
    assert api_page.PAGE.read_text(encoding="utf-8") == api_page.page(), "run python -m tests.api_page"


def test_the_coverage_page_is_what_the_table_says() -> None:
    written = coverage_page.PAGE.read_text(encoding="utf-8")
    if f"with NumPy {coverage_page.VERSION}." in written:
        assert written == coverage_page.page(), "run python -m tests.coverage_page"
    # Other versions of NumPy have other functions, and calls that others do not take; of the functions that both have, the table
    # says the same.
    now, then = (dict(re.findall(r"^\| `(.*?)` \| (.*?) \|", page, re.M)) for page in (coverage_page.page(), written))
    assert len(now.keys() & then.keys()) > 300
    assert {name: now[name] for name in now.keys() & then.keys()} == {
        name: then[name] for name in now.keys() & then.keys()
    }


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), f"{page} links to {target}"
        if anchor:
            assert anchor in anchors(found), f"{page} links to {target}, and there is no such heading"


def test_every_page_of_the_documentation_is_in_its_index() -> None:
    index = ROOT / "docs" / "index.md"
    linked = {
        (index.parent / target.partition("#")[0]).resolve() for target in re.findall(r"\]\((.*?)\)", index.read_text())
    }

    assert {page for page in PAGES if page.is_relative_to(ROOT / "docs")} - linked <= {index}


def test_the_reading_path_is_short() -> None:
    page = (ROOT / "docs" / "explanation" / "life-of-a-call.md").read_text(encoding="utf-8")
    first, then = page.partition("| first | lines |")[2].split("| then | lines |")
    row = re.compile(r"^\| \[`(.*?)`\]\(../../dualgrad/\1\) \| (\d+) \|", re.M)

    lengths = {}
    for path, said in row.findall(first + then):
        lengths[path] = (ROOT / "dualgrad" / path).read_text(encoding="utf-8").count("\n")
        assert abs(lengths[path] - int(said)) <= 30, f"{path} has {lengths[path]} lines, and the page says {said}"
    assert len(row.findall(first)) > 8
    assert len(row.findall(then)) > 4
    assert sum(lengths[path] for path, _ in row.findall(first)) <= 1600


def test_the_life_of_a_call_names_what_there_is() -> None:
    page = (ROOT / "docs" / "explanation" / "life-of-a-call.md").read_text(encoding="utf-8")

    # `Chooser` (`_call/arguments.py`, or `unary` and `binary` (`reverse/_hot.py`.
    pairs = re.findall(r"((?:`[\w.]+`(?:\s+and\s+)?)+)\s+\(`([\w/]+\.py)`", page)
    assert len(pairs) > 15
    for names, file in pairs:
        text = (ROOT / "dualgrad" / file).read_text(encoding="utf-8")
        for name in re.findall(r"[\w.]+", names.replace(" and ", " ")):
            defined = re.compile(rf"^\s*(?:def|class) {name.rpartition('.')[2]}\b", re.M)
            assert defined.search(text), f"{name} is not in {file}"
