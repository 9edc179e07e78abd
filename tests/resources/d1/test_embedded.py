"""The embedded room of D1 only: one file for many threads and processes, undamaged after any kill."""

import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from resources.d1 import D1Error, EmbeddedD1, Statement

COUNT_UP = "update t set n = n + 1"
CHILD = """
import sys
from resources.d1 import EmbeddedD1, Statement
database = EmbeddedD1(sys.argv[1])
database.batch([Statement("create table if not exists t (n integer)"),
                Statement("insert into t select 0 where not exists (select * from t)")])
for _ in range(20):
    database.batch([Statement("update t set n = n + 1"), Statement("select n from t")])
"""
KILLED = """
import os, sys
from resources.d1 import EmbeddedD1
database = EmbeddedD1(sys.argv[1])
with database._file.transaction() as connection:
    connection.execute("update t set n = 99")
    os.kill(os.getpid(), 9)
"""


def test_threads_share_it(tmp_path: Path) -> None:
    database = EmbeddedD1(tmp_path / "d1.sqlite")
    database.batch([Statement("create table t (n integer)"), Statement("insert into t values (0)")])
    with ThreadPoolExecutor(8) as threads:
        changes = list(threads.map(lambda _: database.execute(COUNT_UP), range(80)))
    assert changes == [1] * 80
    assert database.query("select n from t") == [{"n": 80}]
    database.close()
    assert database.query("select n from t") == [{"n": 80}]


def test_processes_share_it_from_its_first_moment_on(tmp_path: Path) -> None:
    path = tmp_path / "d1.sqlite"
    children = [subprocess.Popen([sys.executable, "-c", CHILD, path]) for _ in range(3)]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    database = EmbeddedD1(path)
    assert database.query("select n from t") == [{"n": 60}]
    with closing(sqlite3.connect(path)) as plain:
        assert plain.execute("pragma journal_mode").fetchone() == ("wal",)


def test_a_killed_writer_leaves_nothing_half_done(tmp_path: Path) -> None:
    path = tmp_path / "d1.sqlite"
    database = EmbeddedD1(path)
    database.batch([Statement("create table t (n integer)"), Statement("insert into t values (7)")])
    assert subprocess.run([sys.executable, "-c", KILLED, path], check=False).returncode == -9
    assert database.query("select n from t") == [{"n": 7}]
    assert database.execute(COUNT_UP) == 1


def test_a_value_above_2_mb_is_refused_wherever_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(D1Error, match="too big"):
        EmbeddedD1(tmp_path / "d1.sqlite").query("select zeroblob(2000001)")


def test_a_bookmark_is_of_now_alone(tmp_path: Path) -> None:
    now = datetime(2026, 11, 1, 12, tzinfo=UTC)
    database = EmbeddedD1(tmp_path / "d1.sqlite", clock=lambda: now)
    assert database.bookmark() == "embedded-20261101T120000.000000Z"
    with pytest.raises(D1Error, match="restore a backup"):
        database.bookmark(now)


def test_an_export_is_of_one_moment(tmp_path: Path) -> None:
    database = EmbeddedD1(tmp_path / "d1.sqlite")
    database.execute("create table t (id integer primary key, v text)")
    database.upsert("t", ["id", "v"], [(i, "x" * 200) for i in range(2_000)], ["id"])

    class Interrupted:
        """A destination; during its first write, another connection deletes every row."""

        def __init__(self) -> None:
            self.text = b""

        def write(self, data: bytes) -> int:
            if not self.text:
                database.execute("delete from t")
            self.text += data
            return len(data)

    destination = Interrupted()
    assert database.export(destination) == len(destination.text)  # type: ignore[arg-type]
    copy = sqlite3.connect(":memory:")
    copy.executescript(destination.text.decode())
    assert copy.execute("select count(*) from t").fetchone() == (2_000,)
    copy.close()
    assert database.query("select count(*) as n from t") == [{"n": 0}]
