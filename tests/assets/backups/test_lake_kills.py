"""Backup and restore of the lake, killed at each of their operations and run again, and beside another process."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from pyiceberg.catalog.sql import SqlCatalog

from assets.backups.making import Backup
from assets.backups.method import Scope
from assets.backups.sets import find
from assets.privacy.tombstones import Tombstones
from resources.postgres import Postgres
from tests.assets.backups.dying import Dying, Killed
from tests.assets.backups.lake_side import STORE, LakeSide, lake_side, rows
from tests.assets.backups.planted import target
from tests.assets.upkeep.memory_lake import VISITS, MemoryLake
from tests.assets.upkeep.operations import watched
from tests.resources.lake.opened import opened

CALLS = 22  # of a backup of seven files to its target
ROOT = Path(__file__).resolve().parents[3]
ANN = Tombstones.of(("visitor", "ann"))


@pytest.fixture
def side(tmp_path: Path) -> Iterator[LakeSide]:
    with lake_side(tmp_path) as found:
        found.visits.append(found.visits.visits("ann", "bob"))
        found.visits.append(found.visits.visits("cid"))
        yield found


STEPS = [pytest.param(7, id="some"), pytest.param(1, id="all", marks=pytest.mark.soak)]


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_a_backup_that_is_killed_at_any_call_counts_as_none_and_the_next_one_as_whole(
    side: LakeSide, step: int, *, after: bool
) -> None:
    expected = side.visits.rows()
    number = 1
    while True:
        folder = side.folder / f"target {number}"
        try:
            Backup(target(Dying(folder, number, after=after).objects), side.method, side.method.clock).run()
            break
        except Killed:
            pass
        again = LakeSide(side.lake, side.visits, folder, target(folder))
        assert find(again.at, STORE).newest_good is None or number >= CALLS
        made = again.backup()
        again.restored(again.place("beside"), chain=(made,))
        assert rows(again.place("beside")) == expected
        number += step
    assert number > CALLS


@contextmanager
def dying_at(number: int) -> Iterator[list[str]]:
    """Ends the block at the lake's operation of this number. What it gives has the names of those before."""
    done: list[str] = []

    def at(operation: str) -> None:
        done.append(operation)
        if len(done) == number:
            raise Killed

    def telling(name: str) -> Callable[..., object]:
        real = getattr(SqlCatalog, name)

        def told(*args: object, **kwargs: object) -> object:
            at(name)
            answer = real(*args, **kwargs)
            at(f"{name} done")
            return answer

        return told

    with ExitStack() as stack:
        for name in ("drop_table", "register_table", "create_namespace"):
            stack.enter_context(patch.object(SqlCatalog, name, telling(name)))
        stack.enter_context(watched(at))
        yield done


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("scope", [Scope(live=True), Scope(live=True, erased=ANN)], ids=["whole", "without ann"])
def test_a_restore_that_is_killed_at_any_operation_ends_the_same_when_run_again(
    side: LakeSide, scope: Scope, step: int
) -> None:
    left = [row for row in side.visits.rows() if not scope.erased.hashes or row[1] != "ann"]
    held = Path(side.visits.table.files()[0].path.removeprefix("file://"))
    side.backup()
    number = 1
    while True:
        # Another writer went on since, and the store damaged a file.
        side.visits.append(side.visits.visits("later"))
        held.write_bytes(held.read_bytes()[:-9])
        before = side.visits.table.load().metadata_location
        try:
            with dying_at(number) as done:
                side.restored(side.live, scope)
            break
        except Killed:
            pass
        if side.lake.exists(VISITS) and side.visits.table.load().metadata_location != before:
            assert side.visits.rows() == left  # never a table that is half restored
        side.restored(side.live, scope)
        assert side.visits.rows() == left
        number += step
    assert side.visits.rows() == left
    assert {"drop_table done", "register_table", "create", "create done", "read"} <= set(done)


def test_a_backup_beside_a_process_that_appends_merges_deletes_expires_and_sweeps(
    postgres: Postgres, postgres_dsn: str, tmp_path: Path
) -> None:
    with opened(postgres, tmp_path / "r2") as lake:
        visits = MemoryLake(lake)
        side = LakeSide(lake, visits, tmp_path, target(tmp_path / "backups"))
        command = [sys.executable, "-m", "tests.assets.backups.lake_writer", postgres_dsn, str(tmp_path / "r2")]
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            assert writer.stdin is not None
            assert writer.stdout.readline() == "writing\n"
            made = [side.backup()]
            while len({one.until for one in made}) < 3:
                made.append(side.backup())
            writer.stdin.write("enough\n")
            writer.stdin.close()
            states = dict(line.split(" ", 1) for line in writer.stdout.read().splitlines())
        assert writer.returncode == 0
        for number, one in enumerate(made):
            place = side.place(str(number))
            side.restored(place, chain=(one,))
            with place() as there:
                snapshot = str(there.lake.table(VISITS).head()[0])
            assert repr(rows(place)) == states[snapshot]
