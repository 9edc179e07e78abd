"""Rows of a lake table: patched and deleted by key in one commit, and no other row is touched."""

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.rows.lake import LakeTarget
from assets.rows.lake_columns import lake_columns
from resources.lake import Lake, LakeTable, PartitionKey
from tests.assets.rollups.event_lake import event, frame
from tests.examples import examples
from tests.tables import EVENTS

NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)
KEY = ("org_tag", "event_id")


@pytest.fixture
def events(lake: Lake) -> LakeTable:
    """Two organisations and two days, with the same ids in all four partitions; each partition in two files."""
    table = lake.ensure(EVENTS)
    for ids in ("ab", "c"):
        parts = []
        for org, at in itertools.product(("one", "two"), (NOON, NOON + timedelta(days=1))):
            rows = [event(org_tag=org, timestamp=at, event_id=i, user_id="u", event_value=1.5) for i in ids]
            parts.append((PartitionKey(org, at.date()), frame(rows)))
        table.append(table.write(parts), ids)
    return table


def target(lake: Lake) -> LakeTarget:
    return LakeTarget(lake, EVENTS, "live", KEY, {})


def keys(*rows: tuple[str, int, str], **columns: list[Any]) -> pl.DataFrame:
    """A frame of keys with the time that a lake needs, and other columns."""
    return pl.DataFrame(
        {
            "org_tag": [org for org, _, _ in rows],
            "timestamp": [NOON + timedelta(days=day) for _, day, _ in rows],
            "event_id": [event_id for _, _, event_id in rows],
            **columns,
        },
        schema_overrides={"timestamp": pl.Datetime("us", "UTC")},
    )


def held(table: LakeTable) -> dict[tuple[str, date, str], dict[str, Any]]:
    """Every row by its partition and id; each is there once."""
    rows = table.scan().collect().to_dicts()
    found = {(row["org_tag"], row["timestamp"].date(), row["event_id"]): row for row in rows}
    assert len(found) == len(rows)
    return found


def paths(table: LakeTable) -> dict[PartitionKey, set[str]]:
    found: dict[PartitionKey, set[str]] = {}
    for info in table.files():
        found.setdefault(info.key, set()).add(info.path)
    return found


def test_rows_are_patched_by_their_key_and_no_other(lake: Lake, events: LakeTable) -> None:
    before, files, head = held(events), paths(events), events.head()
    wanted = [keys(("one", 0, "a"), ("one", 0, "unknown"), user_id=[None, "x"], event_value=[2.5, 3.5])]
    wanted.append(keys(("two", 1, "c"), user_id=["v"], event_value=[None]))
    columns = [c for c in lake_columns(events.layout) if c.name in (*KEY, "timestamp", "user_id", "event_value")]

    assert target(lake).patch(wanted, columns) == 2

    expected = {key: dict(row) for key, row in before.items()}
    expected["one", NOON.date(), "a"] |= {"user_id": None, "event_value": 2.5}
    expected["two", NOON.date() + timedelta(days=1), "c"] |= {"user_id": "v", "event_value": None}
    assert held(events) == expected
    changed = {PartitionKey("one", NOON.date()), PartitionKey("two", NOON.date() + timedelta(days=1))}
    assert {key for key, found in paths(events).items() if found != files[key]} == changed
    assert events.head()[1] == head[1] + 1, "one commit"


def test_rows_are_deleted_by_their_key_and_no_other(lake: Lake, events: LakeTable) -> None:
    before = held(events)
    whole_day = keys(*(("two", 0, event_id) for event_id in "abc"))

    assert target(lake).delete([keys(("one", 1, "b"), ("one", 1, "unknown")), whole_day]) == 4

    gone = {("one", NOON.date() + timedelta(days=1), "b"), *(("two", NOON.date(), i) for i in "abc")}
    assert held(events) == {key: row for key, row in before.items() if key not in gone}
    assert PartitionKey("two", NOON.date()) not in paths(events)


def test_what_is_not_there_is_no_commit(lake: Lake, events: LakeTable) -> None:
    head = events.head()
    unknown = keys(("one", 0, "unknown"), ("three", 0, "a"))
    for frames in ([unknown], [], [unknown.clear()]):
        assert target(lake).delete(frames) == 0
        assert target(lake).patch([f.with_columns(user_id=pl.lit("x")) for f in frames], []) == 0
    assert events.head() == head


IDS = st.sampled_from("abcxyz")
CHOSEN = st.sets(st.tuples(st.sampled_from(["one", "two", "three"]), st.integers(0, 2), IDS), min_size=1, max_size=6)


@examples(4, 30)
@given(chosen=st.lists(st.tuples(st.booleans(), CHOSEN), min_size=1, max_size=3))
def test_any_patches_and_deletions_do_what_a_dictionary_does(
    lake: Lake, chosen: list[tuple[bool, set[tuple[str, int, str]]]]
) -> None:
    table = lake.ensure(EVENTS)
    if files := [info.file for info in table.files()]:
        table.replace(files, [], f"empty {table.head()[0]}")
    parts = []
    for org, at in itertools.product(("one", "two"), (NOON, NOON + timedelta(days=1))):
        rows = [event(org_tag=org, timestamp=at, event_id=event_id) for event_id in "abc"]
        parts.append((PartitionKey(org, at.date()), frame(rows)))
    table.append(table.write(parts), f"rows {table.head()[0]}")
    expected = held(table)
    columns = [c for c in lake_columns(table.layout) if c.name in ("event_id", "timestamp", "page_title")]
    for number, (patch, some) in enumerate(chosen):
        found = {(org, NOON.date() + timedelta(days=day), event_id) for org, day, event_id in some} & expected.keys()
        if patch:
            given = keys(*some, page_title=[f"title {number}"] * len(some))
            assert target(lake).patch([given], columns) == len(found)
            for key in found:
                expected[key] = expected[key] | {"page_title": f"title {number}"}
        else:
            assert target(lake).delete([keys(*some)]) == len(found)
            expected = {key: row for key, row in expected.items() if key not in found}
        assert held(table) == expected
