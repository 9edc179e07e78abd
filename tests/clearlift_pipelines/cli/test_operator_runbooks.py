"""The runbooks on migrations and folds, followed as they stand: their fault is made first, and is over at their end."""

import re
import shlex
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clearlift_pipelines.stores import Stores
from resources import sql_files
from tests.clearlift_pipelines.cli.terminal import Terminal

RUNBOOKS = Path(__file__).resolve().parents[3] / "docs" / "runbooks"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

CLEARED = re.findall(
    r"^\| `(\w+)` \| `clearlift (.*)` \|$", (RUNBOOKS / "failed-migration.md").read_text(), re.MULTILINE
)


def blocks(page: str) -> Iterator[tuple[str, str]]:
    """The blocks of a page: console, sql, or text (what is seen)."""
    yield from BLOCK.findall((RUNBOOKS / page).read_text())


def pasted(terminal: Terminal, block: str) -> str:
    """Run each line of a console block; each must go well."""
    return "".join(terminal.good(*shlex.split(line)[1:]) for line in block.splitlines())


def test_a_failed_migration(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal.stores.migrate()
    shutil.copytree(sql_files.ROOT, tmp_path / "sql")
    monkeypatch.setattr(sql_files, "ROOT", tmp_path / "sql")
    folder = tmp_path / "sql" / "sesh" / "d1"
    note = folder / "008_note.up.sql"
    note.write_text("create table notes (id text);\ninsert into users (id, email) values ('u', null);\n")
    (folder / "008_note.down.sql").write_text("drop table notes;\n")
    seen, *steps = blocks("failed-migration.md")
    said = terminal.clearlift("migrate", "up")
    assert said.code == 1
    assert seen == ("text", said.out + said.err)
    assert "008 note" in pasted(terminal, steps[0][1])
    note.write_text("create table notes (id text);\n")
    assert "sesh-d1: 008_note\n" in pasted(terminal, steps[1][1])
    back = pasted(terminal, steps[2][1])
    assert "sesh-d1: would take back 008_note\n" in back
    assert "sesh-d1: took back 008_note\n" in back
    assert "sesh-d1: 008_note\n" in back
    over = pasted(terminal, steps[3][1])
    assert not re.search("pending|edited|missing|^bad", over, re.MULTILINE)


def test_what_clears_the_way_down_is_a_command(terminal: Terminal) -> None:
    terminal.stores.migrate()
    terminal.good("job", "partitions", "--asset", "series/partitions")
    with closing(sqlite3.connect(terminal.stores.settings.home / "d1" / "sesh.sqlite")) as d1:
        for table, command in CLEARED:
            terminal.good(*shlex.split(command))
            assert d1.execute(f"select count(*) from {table}").fetchone() == (0,)


def test_a_stuck_fold(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a month in which those that the page names have become a year old."""
    defaults = Stores.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "clock", lambda: datetime(2025, 10, 5, tzinfo=UTC))
    terminal.stores.migrate()
    terminal.good("job", "partitions", "--asset", "series/partitions", "--since", "2024-08-01")
    file = terminal.stores.settings.home / "d1" / "sesh.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as d1:
        d1.execute("insert into users (id, email) values ('u', 'u@sesh.example')")
        for month, updated in (("2024-08", "2024-09-05"), ("2024-09", "2024-09-04")):
            d1.execute(
                f"insert into sessions_{month.replace('-', '_')} (id, userId, timestamp, updatedAt)"
                f" values ('twice', 'u', '{month}-03T10:00:00.000Z', '{updated}T00:00:00.000Z')"
            )
        seen, *steps = blocks("stuck-fold.md")
        assert seen == ("text", f"{terminal.refused('job', 'partitions')}\n")
        (found,) = d1.execute(steps[0][1]).fetchall()
        assert found[0] == "twice"
        assert d1.execute("select count(*) from sessions where id = 'twice'").fetchone() == (2,)
        assert d1.execute(steps[1][1]).rowcount == 1
        assert "folded" in pasted(terminal, steps[2][1])
        assert d1.execute(steps[3][1]).fetchall() == []
        assert d1.execute("select timestamp from sessions where id = 'twice'").fetchall() == [
            ("2024-08-03T10:00:00.000Z",)
        ]
    assert [kind for kind, _ in steps] == ["sql", "sql", "console", "sql"]
