"""A quarter's life in any order: events come, late ones too, are archived, pruned, restored. None is lost or twice."""

import random
from collections import Counter

import pytest

from tests.assets.archive.operations import killed
from tests.assets.archive.vault import QUARTER, Row, Vault


@pytest.mark.parametrize("seed", range(2))
def test_each_event_ever_accepted_is_live_or_archived(vault: Vault, seed: int) -> None:
    chance = random.Random(seed)
    accepted: Counter[Row] = Counter()
    vault.part_bytes = 4_000
    for _ in range(12):
        match chance.choice(["come", "come", "archive", "die", "prune"]):
            case "come":
                before = vault.live()
                vault.happen(chance.randrange(1, 6), chance.choice(["a3f7c2", "b8e9d1"]), chance.randrange(1, 4))
                accepted += vault.live() - before
            case "archive":
                vault.archive()
            case "die":
                killed(vault.archive, chance.randrange(1, 25))
            case "prune":
                vault.archive()
                vault.prune()
    vault.archive()
    vault.prune()
    assert vault.verify().faults == []
    assert vault.restore().added == accepted.total()
    assert vault.live("events_restored") == accepted
    vault.restore(into="live")
    assert vault.live() == accepted
    # What came back is archived already.
    assert vault.archive(quarter=QUARTER).rows == 0


def test_as_many_late_events_as_were_archived_are_archived_too(vault: Vault) -> None:
    vault.happen(3)
    vault.archive()
    vault.prune()
    vault.happen(3)
    assert vault.archive().rows == 3
    assert vault.restore().added == 6
