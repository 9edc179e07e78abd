"""Base backups and log of the embedded server: recovered to any moment, equal row for row."""

import os
import random
import signal
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psutil
import psycopg
import pytest

from resources.postgres import embedded, wal
from resources.postgres.embedded import EmbeddedPostgresError
from resources.postgres.recovery import base_backup, recovered, settle

FAST = {"fsync": "off", "max_wal_size": "64MB"}
STATE = "select array_agg(t::text order by id) from t"


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of the test's own, because pytest lets no other user into its folders, such as the server of root."""
    with tempfile.TemporaryDirectory(prefix="clearlift-", dir="/dev/shm") as made:
        yield Path(made)
        for folder in Path(made).glob("*"):
            embedded.stop(folder)


@dataclass
class Archive:
    """What of a server lies elsewhere: a base backup, and segments by their names."""

    server: wal.Server
    base: bytes = b""
    segments: dict[str, bytes] = field(default_factory=dict)
    since: int = 0

    def take_base(self, folder: Path, dsn: str) -> None:
        self.since = wal.keep(dsn)
        self.base = b"".join(base_backup(folder))
        self.take_log(folder, dsn)

    def take_log(self, folder: Path, dsn: str) -> datetime:
        mark = wal.mark(dsn)
        self.segments.update(wal.segments(dsn, folder, self.server, self.since, mark.position))
        self.since = mark.position
        return mark.moment

    def recover(self, folder: Path, at: datetime | None) -> object:
        draft = folder.with_name("draft")
        with recovered(draft, [self.base], ((name, [data]) for name, data in self.segments.items()), at) as dsn:
            seen = ask(dsn)
        settle(draft, folder)
        return seen


def ask(dsn: str, sql: str = STATE) -> object:
    with psycopg.connect(dsn) as connection:
        row = connection.execute(sql.encode()).fetchone()
    assert row
    return row[0]


def busy(dsn: str, choose: random.Random, times: int) -> list[tuple[datetime, object]]:
    """Transactions one after the other, some of them undone; the state at a moment after each."""
    states = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(times):
            with connection.transaction(force_rollback=choose.random() < 0.2):
                for _ in range(choose.randint(1, 4)):
                    connection.execute(
                        choose.choice(
                            [
                                b"insert into t (v) select g from generate_series(1, 40) g",
                                b"update t set v = v + 1 where id % 7 = 3",
                                b"delete from t where id % 11 = 5",
                                b"truncate t",
                            ]
                        )
                    )
            moment = connection.execute("select clock_timestamp()").fetchone()
            state = connection.execute(STATE).fetchone()
            assert moment
            assert state
            states.append((moment[0], state[0]))
    return states


def test_any_moment_comes_back_row_for_row_past_kills_of_the_server(place: Path) -> None:
    choose = random.Random(5)
    folder = place / "pg"
    dsn = embedded.start(folder, FAST)
    with psycopg.connect(dsn) as connection:
        connection.execute("create table t (id bigint generated always as identity primary key, v int)")
    archive = Archive(wal.identity(dsn))
    busy(dsn, choose, 3)
    archive.take_base(folder, dsn)
    states = []
    for round_ in range(3):
        states += busy(dsn, choose, 8)
        if round_ == 1:
            kill(folder)
            dsn = embedded.start(folder, FAST)
        newest = archive.take_log(folder, dsn)
    after = busy(dsn, choose, 2)
    assert newest < after[0][0]
    for number, (moment, state) in enumerate(choose.sample(states, 2)):
        assert archive.recover(place / f"back{number}", moment) == state
    assert archive.recover(place / "end", None) == states[-1][1]
    again = embedded.start(place / "end", FAST)
    assert ask(again) == states[-1][1]
    assert wal.identity(again) == wal.Server(archive.server.system, 2, archive.server.segment_bytes)
    assert {path.name for path in place.iterdir()} == {"pg", "back0", "back1", "end"}
    assert not list((place / "end").glob("*_restore")) + list((place / "end").glob("*.signal"))
    with pytest.raises(EmbeddedPostgresError, match="recovery ended before configured recovery target was reached"):
        archive.recover(place / "late", after[-1][0])
    assert not (place / "late").exists()
    assert wal.position_of(wal.text_of(2**40 + 17)) == 2**40 + 17


def kill(folder: Path) -> None:
    pid = int((folder / "postmaster.pid").read_text().split()[0])
    os.kill(pid, signal.SIGKILL)
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.005)
