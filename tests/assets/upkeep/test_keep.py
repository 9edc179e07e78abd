"""Which snapshots stay: every rule keeps what it promises, and nothing else is kept."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.upkeep.keep import Needs, SnapshotPolicy, kept
from resources.declined import DeclinedError
from resources.lake.expiry import KeptSnapshot

NOW = datetime(2025, 10, 14, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def history(*hours_ago: float, refs: dict[int, tuple[str, ...]] | None = None) -> list[KeptSnapshot]:
    """Snapshots 0, 1, … made so many hours ago, oldest first; the last is the table's head."""
    times = [NOW - hours * HOUR for hours in hours_ago]
    last = len(times) - 1
    return [
        KeptSnapshot(
            i, at, None if i == last else times[i + 1], f"run-{i}", ("main",) if i == last else (refs or {}).get(i, ())
        )
        for i, at in enumerate(times)
    ]


def test_each_rule_keeps_what_it_names() -> None:
    listed = history(500, 400, 300, 200, 100, 50, 20, 3, 1.5, 1, refs={1: ("audit-2025",)})
    needs = Needs(cursor=9, unsettled={"run-3"}, audited={4, 77})

    assert kept(listed, SnapshotPolicy(at_least=1), needs, NOW) == {
        1: "branch or tag",
        3: "unsettled ingest",
        4: "audit of roll-ups",
        5: "young",  # its successor came 20 hours ago
        6: "young",
        7: "may be read",  # its successor came 1.5 hours ago
        8: "may be read",
        9: "not followed by the roll-ups",
    }


def test_a_snapshot_that_was_read_until_just_now_stays_however_old() -> None:
    assert kept(history(9000, 1), SnapshotPolicy(at_least=1), Needs(cursor=1), NOW)[0] == "may be read"


def test_nothing_after_the_cursor_expires_and_without_a_cursor_nothing_does() -> None:
    listed = history(*range(1000, 0, -10))
    for cursor, first in ((40, 40), (None, 0), (12345, 0)):
        found = kept(listed, SnapshotPolicy(at_least=1, at_most=5), Needs(cursor), NOW)
        assert set(range(first, 100)) <= found.keys()
        assert len(found) == 100 - first


def test_of_many_young_ones_the_youngest_stay() -> None:
    listed = history(*(23 - n * 0.02 for n in range(1000)))  # one in 72 seconds, the last 3 hours ago
    found = kept(listed, SnapshotPolicy(at_most=150), Needs(cursor=999), NOW)
    assert sorted(found) == list(range(850, 1000))


def test_the_youngest_stay_though_old() -> None:
    listed = history(*range(1000, 0, -10))
    assert sorted(kept(listed, SnapshotPolicy(at_least=7), Needs(cursor=99), NOW)) == [*range(93, 100)]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"readers": timedelta(minutes=1)}, "less than the longest run"),
        ({"at_least": 0}, "not between"),
        ({"at_least": 9, "at_most": 8}, "not between"),
    ],
)
def test_rules_that_would_break_readers_are_refused(given: dict[str, int], said: str) -> None:
    with pytest.raises((ValueError, DeclinedError), match=said):
        SnapshotPolicy(**given)  # type: ignore[arg-type]


@given(
    hours=st.lists(st.floats(0, 2000), max_size=60),
    cursor=st.none() | st.integers(0, 70),
    audited=st.sets(st.integers(0, 60), max_size=5),
    unsettled=st.sets(st.integers(0, 60), max_size=3),
    at_least=st.integers(1, 10),
    at_most=st.integers(10, 40),
)
def test_no_need_is_ever_left_out(
    hours: list[float], cursor: int | None, audited: set[int], unsettled: set[int], at_least: int, at_most: int
) -> None:
    listed = history(*sorted(hours, reverse=True))
    needs = Needs(cursor, {f"run-{n}" for n in unsettled}, audited)
    retention = SnapshotPolicy(at_least=at_least, at_most=at_most)
    found = kept(listed, retention, needs, NOW)
    ids = [s.id for s in listed]
    start = ids.index(cursor) if cursor in ids else 0
    needed = {
        *ids[start:],
        *ids[-at_least:],
        *(audited & set(ids)),
        *(unsettled & set(ids)),
        *(s.id for s in listed if s.until is None or s.until > NOW - retention.readers),
    }
    assert needed <= found.keys() <= set(ids)
    assert len(found) <= max(at_most, len(needed))
    assert all(listed[i].until > NOW - retention.age for i in found.keys() - needed)  # type: ignore[operator]
