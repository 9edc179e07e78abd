"""A process that is really killed inside a transaction: while it copies, while it switches, while it takes points."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.sesh import audit
from assets.sesh.families import POINTS, SESSIONS
from assets.sesh.fold import Folding
from resources.d1 import EmbeddedD1
from resources.r2 import ObjectStore
from tests.assets.sesh.database import UNHURRIED, clock, partitioned, record, rows
from tests.assets.sesh.flushes import Flushes, line

SINCE = datetime(2025, 10, 1, tzinfo=UTC)

# Dies by SIGKILL in the middle of a batch: after the first statement that starts with the words given.
DIES = """
import os, signal, sys
from pathlib import Path
import resources.d1.embedded
from assets.sesh.families import SESSIONS
from assets.sesh.fold import Folding
from resources.d1 import EmbeddedD1
from resources.r2 import ObjectStore
from tests.assets.sesh.database import UNHURRIED, clock
from tests.assets.sesh.flushes import Flushes

path, store, act, words = sys.argv[1:]
result = resources.d1.embedded._result

def dying(connection, statement):
    answer = result(connection, statement)
    if statement.sql.startswith(words):
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

resources.d1.embedded._result = dying
d1 = EmbeddedD1(Path(path))
if act == "fold":
    Folding(d1, SESSIONS, clock, UNHURRIED, page=4).run()
else:
    Flushes(d1, ObjectStore.folder(Path(store))).ingest()
"""


@pytest.fixture
def flushes(tmp_path: Path) -> Iterator[Flushes]:
    d1 = partitioned(tmp_path / "sesh.sqlite", SINCE, [SESSIONS, POINTS])
    for n in range(11):
        record(d1, f"s{n}", SINCE + timedelta(days=n))
    yield Flushes(d1, ObjectStore.folder(tmp_path / "r2"))
    d1.close()


def die(flushes: Flushes, act: str, words: str) -> None:
    assert isinstance(flushes.d1, EmbeddedD1)
    arguments = [str(flushes.d1.path), flushes.store.uri(), act, words]
    died = subprocess.run(
        [sys.executable, "-c", DIES, *arguments],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        check=False,
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL


@pytest.mark.parametrize("words", ["insert into sessions_2025 (", "drop table sessions_2025_10"])
def test_a_fold(flushes: Flushes, words: str) -> None:
    before = rows(flushes.d1, SESSIONS)
    die(flushes, "fold", words)
    assert rows(flushes.d1, SESSIONS) == before
    assert audit.faults(flushes.d1, SESSIONS) == []
    assert [done.rows for done in Folding(flushes.d1, SESSIONS, clock, UNHURRIED, page=4).run()] == [11]
    assert rows(flushes.d1, SESSIONS) == before
    assert audit.faults(flushes.d1, SESSIONS) == []


def test_an_ingest(flushes: Flushes) -> None:
    flushes.flush(*(line("s1", n) for n in range(1, 11)), b"broken")
    die(flushes, "ingest", 'insert into "points_2026_11"')
    assert flushes.points() == []
    run = flushes.ingest()
    assert (run.received, run.stored, run.doubled, run.quarantined) == (11, 10, 0, 1)
    assert len(flushes.points()) == 10
