"""The runbooks on migrations and folds, followed as they stand: their fault is made first, and is over at their end."""

import re
import shlex
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clearlift_pipelines.stores import Stores
from resources import sql_files
from resources.d1 import EmbeddedD1
from resources.migrations import D1AppliedMigrations, Migration
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.pages import DOCS, blocks, pasted_well

CLEARED = re.findall(
    r"^\| `(\w+)` \| `clearlift (.*)` \|$", (DOCS / "runbooks" / "failed-migration.md").read_text(), re.MULTILINE
)


def test_a_failed_migration(terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    terminal.stores.migrate()
    shutil.copytree(sql_files.ROOT, tmp_path / "sql")
    monkeypatch.setattr(sql_files, "ROOT", tmp_path / "sql")
    folder = tmp_path / "sql" / "sesh" / "d1"
    note = folder / "009_note.up.sql"
    note.write_text("create table notes (id text);\ninsert into users (id, email) values ('u', null);\n")
    (folder / "009_note.down.sql").write_text("drop table notes;\n")
    seen, *steps = blocks("runbooks/failed-migration.md")
    said = terminal.clearlift("migrate", "up")
    assert said.code == 1
    assert (seen.language, seen.text) == ("text", said.out + said.err)
    script = next(step for step in steps if step.language == "sql")
    steps.remove(script)
    assert [step.language for step in steps] == ["console"] * 4
    assert "009_note" in pasted_well(terminal, steps[0])
    note.write_text("create table notes (id text);\n")
    assert "sesh-d1: 009_note\n" in pasted_well(terminal, steps[1])
    back = pasted_well(terminal, steps[2])
    assert "sesh-d1: would take back 009_note\n" in back
    assert "sesh-d1: took back 009_note\n" in back
    assert "sesh-d1: 009_note\n" in back
    over = pasted_well(terminal, steps[3])
    assert not re.search("pending|edited|missing|^bad", over, re.MULTILINE)


def test_a_parent_made_again_keeps_its_children(tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "family.sqlite")
    for text in (
        "create table parents (id integer primary key, name text)",
        "create table children (id integer primary key, parent integer references parents on delete cascade)",
        "insert into parents values (1, 'one')",
        "insert into children values (2, 1)",
    ):
        d1.execute(text)
    (script,) = (step.text for step in blocks("runbooks/failed-migration.md") if step.language == "sql")
    assert D1AppliedMigrations(d1).apply(Migration("family/d1", 1, "again", script, "select 1"))
    assert d1.query("select * from children") == [{"id": 2, "parent": 1}]
    d1.execute("delete from parents")
    assert d1.query("select * from children") == []
    d1.close()


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
        seen, *steps = blocks("runbooks/stuck-fold.md")
        assert (seen.language, seen.text) == ("text", f"{terminal.refused('job', 'partitions')}\n")
        (found,) = d1.execute(steps[0].text).fetchall()
        assert found[0] == "twice"
        assert d1.execute("select count(*) from sessions where id = 'twice'").fetchone() == (2,)
        assert d1.execute(steps[1].text).rowcount == 1
        assert "folded" in pasted_well(terminal, steps[2])
        assert d1.execute(steps[3].text).fetchall() == []
        assert d1.execute("select timestamp from sessions where id = 'twice'").fetchall() == [
            ("2024-08-03T10:00:00.000Z",)
        ]
    assert [step.language for step in steps] == ["sql", "sql", "console", "sql"]
