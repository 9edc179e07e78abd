"""What commands print is whole: no line of a pipe is wrapped, no cell is cut. With --json it is JSON alone."""

import contextlib
import io
import json
from datetime import UTC, date, datetime
from pathlib import Path

import click
import pytest

from clearlift_pipelines.cli import tables
from clearlift_pipelines.cli.tables import JSON_ONLY, Column, Columns, Table, as_told, console, percent
from resources.declined import DeclinedError

LONG = "landing/" + "a3f7c2/" * 30 + "a sentence of some words " * 10 + "end"


class TerminalOutput(io.StringIO):
    """As a narrow terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def table() -> Table:
    made = Columns("objects", "test", {"key": "key", "state": "state"}).table()
    made.add(key=LONG, state="late")
    return made


@pytest.mark.parametrize("coloured", [False, True])
def test_a_pipe_gets_whole_lines(monkeypatch: pytest.MonkeyPatch, coloured: bool) -> None:
    if coloured:
        monkeypatch.setenv("FORCE_COLOR", "1")
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        console().print(LONG)
        table().show()
    said, head, row = out.getvalue().splitlines()
    assert said == LONG
    assert head.split() == ["key", "state"]
    assert row.strip().removesuffix("late").strip() == LONG


def test_no_cell_is_cut_on_a_narrow_terminal() -> None:
    out = TerminalOutput()
    with contextlib.redirect_stdout(out):
        table().show()
    said = click.unstyle(out.getvalue())
    assert "…" not in said
    assert "".join(said.split()).replace("keystate", "").replace("late", "") == "".join(LONG.split())


EVERYTHING = Columns(
    "things",
    "test",
    {
        "name": "name",
        "bytes": "size",
        "share": Column("share", percent),
        "at": "at",
        "day": "day",
        "is_open": "open",
        "unknown": "unknown",
        "hidden": JSON_ONLY,
    },
)


def things() -> Table:
    made, at = EVERYTHING.table(), datetime(2026, 3, 1, 12, tzinfo=UTC)
    made.add(name="a", bytes=12_345, share=0.5, at=at, day=at.date(), is_open=True, unknown=None, hidden={"n": 1})
    return made


def said(command: object, *, as_json: bool) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        as_told(command)(as_json=as_json)  # type: ignore[arg-type]
    return out.getvalue(), err.getvalue()


def test_json_has_the_values_and_nothing_else_is_on_standard_output() -> None:
    def command() -> None:
        click.echo("begun")
        things().show(title="Things", without=["bytes"])
        Columns("nothing", "test", {"name": "name"}).table().show("There is nothing.")
        console().print("done")

    out, err = said(command, as_json=True)
    thing = {"name": "a", "bytes": 12_345, "share": 0.5, "at": "2026-03-01T12:00:00Z", "day": str(date(2026, 3, 1))}
    assert json.loads(out) == {
        "things": [{**thing, "is_open": True, "unknown": None, "hidden": {"n": 1}}],
        "nothing": [],
    }
    assert err.split() == ["begun", "done"]
    out, err = said(command, as_json=False)
    assert "12,345" not in out
    assert "There is nothing." in out
    assert out.splitlines()[3].split() == ["a", "50.0%", "2026-03-01", "12:00", "2026-03-01", "yes"]
    assert err == ""


def test_json_is_whole_where_the_command_ends_with_an_error() -> None:
    def command() -> None:
        things().show()
        raise DeclinedError("one is damaged", "look")

    out = io.StringIO()
    with contextlib.redirect_stdout(out), pytest.raises(DeclinedError):
        as_told(command)(as_json=True)
    assert len(json.loads(out.getvalue())["things"]) == 1
    assert not things().is_json


def test_a_row_has_a_value_for_each_field() -> None:
    with pytest.raises(AssertionError):
        EVERYTHING.table().add(name="a")


def test_no_other_module_makes_a_table() -> None:
    folder = Path(tables.__file__).parent
    assert [file.name for file in folder.glob("*.py") if "rich.table" in file.read_text()] == ["tables.py"]
