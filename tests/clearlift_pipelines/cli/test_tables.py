"""What commands print is whole: no line of a pipe is wrapped, no cell is cut."""

import contextlib
import io

import click
import pytest
from rich.table import Table

from clearlift_pipelines.cli.tables import console, show

LONG = "landing/" + "a3f7c2/" * 30 + "a sentence of some words " * 10 + "end"


class TerminalOutput(io.StringIO):
    """As a narrow terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def table() -> Table:
    made = Table("key", "state", box=None)
    made.add_row(LONG, "late")
    return made


@pytest.mark.parametrize("coloured", [False, True])
def test_a_pipe_gets_whole_lines(monkeypatch: pytest.MonkeyPatch, coloured: bool) -> None:
    if coloured:
        monkeypatch.setenv("FORCE_COLOR", "1")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        console().print(LONG)
        show(table())
    said, head, row = out.getvalue().splitlines()
    assert said == LONG
    assert head.split() == ["key", "state"]
    assert row.strip().removesuffix("late").strip() == LONG


def test_no_cell_is_cut_on_a_narrow_terminal() -> None:
    out = TerminalOutput()
    with contextlib.redirect_stdout(out):
        show(table())
    said = click.unstyle(out.getvalue())
    assert "…" not in said
    assert "".join(said.split()).replace("keystate", "").replace("late", "") == "".join(LONG.split())
