"""Retention ended at each of its I/O steps and run again: nothing is lost, nothing goes twice, every count is kept."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import psycopg
import pytest

from assets.archive.registry import Registry
from assets.events import pruned
from assets.retention.deletion import Outcome
from resources.lake import LakeTable
from resources.r2 import FolderObjectStore
from tests.assets.archive import operations
from tests.assets.archive.operations import Killed, killed
from tests.assets.archive.test_kills import at_once
from tests.assets.archive.vault import QUARTER, Vault
from tests.assets.retention.ground import Ground

# A transaction that is ended before its commit is the same at whichever of its statements it ends.
STEPS: Mapping[Any, tuple[str, ...]] = {
    psycopg.Connection: ("commit",),
    LakeTable: ("files", "drop"),
    FolderObjectStore: ("get", "list", "delete"),
}


@contextmanager
def steps() -> Iterator[None]:
    with patch.object(operations, "OPERATIONS", STEPS):
        yield


def test_a_prune_of_the_lake_killed_at_each_step_and_run_again_ends_the_same(ground: Ground, vault: Vault) -> None:
    ground.ready(days=(1, 2), each=2)
    before, kept = vault.live(), ground.aggregates()
    (sealed,) = Registry(vault.postgres, "clearlift", "events").sealed(QUARTER)
    ended_at: list[str] = []
    pruned, state = 0, (vault.events.head(), ground.deletions(), ground.marks())
    while True:
        with steps():
            operation = killed(ground.prune, len(ended_at) + 1)
        ended_at.append(operation or "the end")
        if (vault.events.head(), ground.deletions(), ground.marks()) == state:
            continue  # where nothing was changed, the next one is the second run
        # Whatever is gone is archived, and is marked.
        assert not vault.live() or vault.live() == before
        assert vault.live() or len(ground.marks()) == 2
        ground.prune()
        pruned += 1
        assert not vault.live()
        assert [settled for *_, settled in ground.marks()] == [True, True]
        assert sum(row["rows"] for row in ground.deletions()) == 4 * pruned
        vault.restore(into="live")
        assert vault.live() == before
        assert ground.marks() == []
        if operation is None:
            break
        state = vault.events.head(), ground.deletions(), ground.marks()
    assert {"commit", "drop", "get", "files"} <= set(ended_at)
    assert pruned > 3
    assert Registry(vault.postgres, "clearlift", "events").sealed(QUARTER) == [sealed]
    assert ground.aggregates() == kept


def test_what_a_killed_prune_dropped_is_known_however_long_it_lies(ground: Ground, vault: Vault) -> None:
    ground.ready()
    with patch.object(pruned, "settle", side_effect=Killed), pytest.raises(Killed):
        ground.prune()
    vault.happen(1, "b8e9d1", 20)
    ground.tidy()
    assert [settled for *_, settled in ground.marks()] == [False, False]

    ground.prune()

    assert [settled for *_, settled in ground.marks()] == [True, True]
    (noted,) = ground.deletions()
    assert (noted["rows"], noted["bytes"]) == (6, noted["intended_bytes"])


def test_two_prunes_at_once_end_as_one(ground: Ground, vault: Vault) -> None:
    ground.ready("a3f7c2", "b8e9d1")
    done: list[Outcome] = at_once(ground.prune, ground.prune)
    assert sorted(each.deleted for each in done) == [0, 12]
    assert not vault.live()
    (noted,) = ground.deletions()
    assert noted["rows"] == 12


@pytest.mark.parametrize("first", ["prune", "restore"])
def test_a_prune_and_a_restore_at_once_end_as_one_after_the_other(ground: Ground, vault: Vault, first: str) -> None:
    ground.ready()
    before = vault.live()
    if first == "restore":
        ground.prune()
    at_once(ground.prune, lambda: vault.restore(into="live"))
    assert vault.live() == (before if not ground.marks() else {})
    vault.restore(into="live")
    assert vault.live() == before
    assert ground.marks() == []
