"""The pages name files that are there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
NAMED = re.compile(r"`((?:assets|resources|sql|sandbox|clearlift_pipelines|tests|benchmarks|deploy)/[^`\s]*)`")
LINKED = re.compile(r"\]\(([^)#\s]+)\)")
# A word in capitals stands for a name of the reader's choice.
CHOSEN = re.compile(r"APP|NAME|STORE|PLATFORM")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_of_a_page_is_there(page: Path) -> None:
    text = page.read_text()
    made = set(re.findall(r"^```\w+ file=(\S+)$", text, re.MULTILINE))
    named = {path for path in NAMED.findall(text) if not any(mark in path for mark in "{$…:")}
    for path in named - made:
        pattern = CHOSEN.sub("*", path.rstrip("/"))
        assert list(ROOT.glob(pattern)), f"{page.name} names {path}"
    for path in LINKED.findall(text):
        if "://" not in path:
            assert (page.parent / path).exists(), f"{page.name} links to {path}"


def test_every_runbook_is_pasted_by_a_test() -> None:
    tests = "".join(file.read_text() for file in (ROOT / "tests").rglob("test_*runbooks.py"))
    pages = {page.name for page in (ROOT / "docs" / "runbooks").glob("*.md")} - {"README.md"}
    assert {page for page in pages if f'"runbooks/{page}"' not in tests} == set()
