"""Processes that are really killed inside a transaction: at every statement of a fold, and while one takes points."""

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from assets.apps.sesh_series import POINTS, SESSIONS
from assets.series import audit, registry
from assets.series.fold import Folding
from resources.d1 import EmbeddedD1
from resources.r2 import FolderObjectStore
from tests.assets.points.flushes import Flushes, line
from tests.assets.series.partitioned_d1 import UNHURRIED, clock, partitioned, record, rows

SINCE = datetime(2025, 10, 1, tzinfo=UTC)

# Folds copies of a database, each in a process of its own that dies by SIGKILL after its nth statement, which is inside
# of a transaction wherever there is one; until one comes to its end.
FOLDS = """
import itertools, os, shutil, signal, sys
from pathlib import Path
import resources.d1.embedded
from assets.apps.sesh_series import SESSIONS
from assets.series.fold import Folding
from resources.d1 import EmbeddedD1
from resources.r2 import FolderObjectStore
from tests.assets.series.partitioned_d1 import UNHURRIED, clock

template, folder = map(Path, sys.argv[1:])
result, left = resources.d1.embedded._result, 0

def dying(connection, statement):
    global left
    answer = result(connection, statement)
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

resources.d1.embedded._result = dying
for left in itertools.count(1):
    path = folder / f"{left:03}.sqlite"
    shutil.copyfile(template, path)
    child = os.fork()
    if child == 0:
        Folding(EmbeddedD1(path), SESSIONS, clock, UNHURRIED, page=4).run()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        sys.exit(os.WEXITSTATUS(status))
"""
# Dies so in the middle of a batch: after the first statement that starts with the words given.
INGESTS = """
import os, signal, sys
from pathlib import Path
import resources.d1.embedded
from resources.d1 import EmbeddedD1
from resources.r2 import FolderObjectStore, ObjectStore
from tests.assets.points.flushes import Flushes

path, store, words = sys.argv[1:]
result = resources.d1.embedded._result

def dying(connection, statement):
    answer = result(connection, statement)
    if statement.sql.startswith(words):
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

resources.d1.embedded._result = dying
Flushes(EmbeddedD1(Path(path)), FolderObjectStore(Path(store))).ingest()
"""


def script(text: str, *arguments: object) -> int:
    """Run it in a process of its own; how that ended."""
    return subprocess.run(
        [sys.executable, "-c", text, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        check=False,
        timeout=120,
    ).returncode


def dumped(path: Path) -> str:
    """All that another process finds in a database."""
    with closing(sqlite3.connect(path)) as connection:
        return "\n".join(connection.iterdump())


def test_a_fold_at_every_statement(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite", SINCE, [SESSIONS])
    for n in range(6):
        record(d1, f"s{n}", SINCE + timedelta(days=n))
    before = rows(d1, SESSIONS)
    d1.close()
    dead = tmp_path / "dead"
    dead.mkdir()
    assert script(FOLDS, tmp_path / "sesh.sqlite", dead) == 0
    # Where two left the same, one is run again for both.
    ended = sorted(dead.glob("*.sqlite"))
    left = {dumped(path): path for path in ended}
    assert len(ended) > 30
    assert len(left) > 5
    for path in left.values():
        d1 = EmbeddedD1(path)
        assert (rows(d1, SESSIONS), audit.faults(d1, SESSIONS)) == (before, []), path.name
        Folding(d1, SESSIONS, clock, UNHURRIED, page=4).run()
        assert (rows(d1, SESSIONS), audit.faults(d1, SESSIONS)) == (before, []), path.name
        assert [p.name for p in registry.load(d1, SESSIONS).answering][:2] == ["sessions_2025", "sessions_2025_11"]
        d1.close()


def test_an_ingest(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite", SINCE, [SESSIONS, POINTS])
    flushes = Flushes(d1, FolderObjectStore(tmp_path / "r2"))
    flushes.flush(*(line("s1", n) for n in range(1, 11)), b"broken")
    died = script(INGESTS, d1.path, flushes.store.uri(), 'insert into "points_2026_11"')
    assert died == -signal.SIGKILL
    assert flushes.points() == []
    run = flushes.ingest()
    assert (run.received, run.stored, run.doubled, run.quarantined) == (11, 10, 0, 1)
    assert len(flushes.points()) == 10
    d1.close()
