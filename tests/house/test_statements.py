"""Each SQL file opens with what it gives or changes, for the reader who comes to it from a line of Python."""

import re
from pathlib import Path

import pytest

SQL = Path(__file__).resolve().parents[2] / "sql"
FILES = sorted(str(file.relative_to(SQL)) for file in SQL.rglob("*.sql") if not file.name.endswith(".down.sql"))


def header(text: str) -> str:
    """The comment that a file opens with."""
    lines = text.splitlines()
    end = next((number for number, line in enumerate(lines) if not line.startswith("--")), len(lines))
    return " ".join(line.removeprefix("--").strip() for line in lines[:end])


@pytest.mark.parametrize("name", FILES)
def test_a_statement_opens_with_what_its_row_is_and_its_parameters(name: str) -> None:
    text = (SQL / name).read_text()
    comment = header(text)
    assert len(comment.split()) >= 4, "a comment is missing that says what one row is"
    named = set(re.findall(r"%\((\w+)\)s", text))
    assert {parameter for parameter in named if not re.search(rf"\b{parameter}\b", comment)} == set()
