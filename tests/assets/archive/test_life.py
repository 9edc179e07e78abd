"""A quarter's life in any order: events come, late ones too, are archived, pruned, restored. None is lost or twice."""

import random
from collections import Counter

import pytest

from tests.assets.archive.archive_stores import QUARTER, ArchiveStores, Row
from tests.assets.archive.operations import killed


@pytest.mark.parametrize("seed", range(2))
def test_each_event_ever_accepted_is_live_or_archived(archive_stores: ArchiveStores, seed: int) -> None:
    chance = random.Random(seed)
    accepted: Counter[Row] = Counter()
    archive_stores.part_bytes = 4_000
    for _ in range(12):
        match chance.choice(["come", "come", "archive", "die", "prune"]):
            case "come":
                before = archive_stores.live()
                archive_stores.happen(
                    chance.randrange(1, 6), chance.choice(["a3f7c2", "b8e9d1"]), chance.randrange(1, 4)
                )
                accepted += archive_stores.live() - before
            case "archive":
                archive_stores.archive()
            case "die":
                killed(archive_stores.archive, chance.randrange(1, 25))
            case "prune":
                archive_stores.archive()
                archive_stores.prune()
    archive_stores.archive()
    archive_stores.prune()
    assert archive_stores.verify().faults == []
    assert archive_stores.restore().added == accepted.total()
    assert archive_stores.live("events_restored") == accepted
    archive_stores.restore(into="live")
    assert archive_stores.live() == accepted
    # What came back is archived already.
    assert archive_stores.archive(quarter=QUARTER).rows == 0


def test_as_many_late_events_as_were_archived_are_archived_too(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(3)
    archive_stores.archive()
    archive_stores.prune()
    archive_stores.happen(3)
    assert archive_stores.archive().rows == 3
    assert archive_stores.restore().added == 6
