"""Retention ended at each of its I/O steps and run again: nothing is lost, nothing goes twice, every count is kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from assets.archive.registry import ArchiveRegistry
from assets.events import pruned
from assets.retention.deletion import DeletionOutcome
from resources.lake import LakeTable
from resources.r2 import FolderObjectStore
from tests.assets.archive import operations
from tests.assets.archive.archive_stores import QUARTER, ArchiveStores
from tests.assets.archive.operations import Killed, killed
from tests.assets.archive.test_kills import at_once
from tests.assets.retention.rolled_up_stores import RolledUpStores

# A transaction that is ended before its commit is the same at each of its statements.
STEPS: Mapping[Any, tuple[str, ...]] = {
    psycopg.Connection: ("commit",),
    LakeTable: ("files", "drop"),
    FolderObjectStore: ("get", "list", "delete"),
}


@contextmanager
def steps() -> Iterator[None]:
    with patch.object(operations, "OPERATIONS", STEPS):
        yield


def test_a_prune_of_the_lake_killed_at_each_step_and_run_again_ends_the_same(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready(days=(1, 2), each=2)
    before, kept = archive_stores.live(), rolled_up_stores.aggregates()
    (sealed,) = ArchiveRegistry(archive_stores.postgres, "clearlift", "events").sealed(QUARTER)
    ended_at: list[str] = []
    pruned, state = 0, (archive_stores.events.head(), rolled_up_stores.deletions(), rolled_up_stores.marks())
    while True:
        with steps():
            operation = killed(rolled_up_stores.prune, len(ended_at) + 1)
        ended_at.append(operation or "the end")
        if (archive_stores.events.head(), rolled_up_stores.deletions(), rolled_up_stores.marks()) == state:
            continue  # where nothing was changed, the next one is the second run
        # All that is gone is archived, and is marked.
        assert not archive_stores.live() or archive_stores.live() == before
        assert archive_stores.live() or len(rolled_up_stores.marks()) == 2
        rolled_up_stores.prune()
        pruned += 1
        assert not archive_stores.live()
        assert [settled for *_, settled in rolled_up_stores.marks()] == [True, True]
        assert sum(row["rows"] for row in rolled_up_stores.deletions()) == 4 * pruned
        archive_stores.restore(into="live")
        assert archive_stores.live() == before
        assert rolled_up_stores.marks() == []
        if operation is None:
            break
        state = archive_stores.events.head(), rolled_up_stores.deletions(), rolled_up_stores.marks()
    assert {"commit", "drop", "get", "files"} <= set(ended_at)
    assert pruned > 3
    assert ArchiveRegistry(archive_stores.postgres, "clearlift", "events").sealed(QUARTER) == [sealed]
    assert rolled_up_stores.aggregates() == kept


def test_what_a_killed_prune_dropped_is_known_however_long_it_lies(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    rolled_up_stores.ready()
    with patch.object(pruned, "settle", side_effect=Killed), pytest.raises(Killed):
        rolled_up_stores.prune()
    archive_stores.happen(1, "b8e9d1", 20)
    rolled_up_stores.tidy()
    assert [settled for *_, settled in rolled_up_stores.marks()] == [False, False]

    rolled_up_stores.prune()

    assert [settled for *_, settled in rolled_up_stores.marks()] == [True, True]
    (noted,) = rolled_up_stores.deletions()
    assert (noted["rows"], noted["bytes"]) == (6, noted["intended_bytes"])


def test_two_prunes_at_once_end_as_one(rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores) -> None:
    rolled_up_stores.ready("a3f7c2", "b8e9d1")
    done: list[DeletionOutcome] = at_once(rolled_up_stores.prune, rolled_up_stores.prune)
    assert sorted(each.deleted for each in done) == [0, 12]
    assert not archive_stores.live()
    (noted,) = rolled_up_stores.deletions()
    assert noted["rows"] == 12


@pytest.mark.parametrize("first", ["prune", "restore"])
def test_a_prune_and_a_restore_at_once_end_as_one_after_the_other(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores, first: str
) -> None:
    rolled_up_stores.ready()
    before = archive_stores.live()
    if first == "restore":
        rolled_up_stores.prune()
    at_once(rolled_up_stores.prune, lambda: archive_stores.restore(into="live"))
    assert archive_stores.live() == (before if not rolled_up_stores.marks() else {})
    archive_stores.restore(into="live")
    assert archive_stores.live() == before
    assert rolled_up_stores.marks() == []
