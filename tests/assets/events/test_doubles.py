"""Doubles: the same id of one organisation on one UTC day, within a run and against what is stored."""

from collections import Counter

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.events import doubles
from assets.events.validation import Admission, sift
from tests.assets.event_pipeline import EARLIEST, NOW, line


def events(*of: tuple[str, int, str]) -> pl.DataFrame:
    """Events as (organisation, day of October, id)."""
    lines = [line(org_tag=org, timestamp=f"2025-10-{day:02}T23:59:59Z", event_id=name) for org, day, name in of]
    return sift(b"\n".join(lines), Admission({"a": True, "b": True}, EARLIEST, NOW)).frame()


def identities(of: pl.DataFrame) -> list[tuple[str, int, str]]:
    return [(org, at.day, name) for org, at, name in of.select("org_tag", "timestamp", "event_id").iter_rows()]


def test_one_of_each_id_stays_and_batches_know_their_doubles() -> None:
    found = events(("a", 5, "x"), ("a", 5, "x"), ("b", 5, "x"), ("a", 6, "x"), ("a", 5, "x"), ("a", 5, "y"))
    found = found.with_columns(pl.Series(doubles.BATCH, [0, 0, 0, 1, 1, 2], pl.Int32))

    distinct = doubles.drop(found, events(("a", 5, "y"), ("b", 6, "x")).lazy())

    assert identities(distinct.events) == [("a", 5, "x"), ("b", 5, "x"), ("a", 6, "x")]
    assert distinct.doubled == {0: 1, 1: 1, 2: 1}
    assert distinct.conflicting == {}


def test_doubles_with_another_payload_are_counted_apart() -> None:
    at = {"org_tag": "a", "timestamp": "2025-10-05T12:00:00Z"}
    lines = [
        line(event_id="x", page_title="first", **at),
        line(event_id="x", page_title="first", **at),
        line(event_id="x", page_title="other", **at),
        line(event_id="x", page_title="first", org_tag="a", timestamp="2025-10-05T12:00:01Z"),
        line(event_id="y", event_value=1.5, **at),
        line(event_id="y", event_value=None, **at),
        line(event_id="z", page_title="as stored", **at),
        line(event_id="z", page_title="not as stored", **at),
    ]
    admission = Admission({"a": True}, EARLIEST, NOW)
    found = sift(b"\n".join(lines), admission).frame()
    found = found.with_columns(pl.Series(doubles.BATCH, [0, 0, 0, 1, 1, 2, 2, 2], pl.Int32))
    stored = sift(line(event_id="z", page_title="as stored", **at), admission).frame()

    distinct = doubles.drop(found, stored.lazy())

    assert distinct.doubled == {0: 2, 1: 1, 2: 3}
    assert distinct.conflicting == {0: 1, 1: 1, 2: 2}
    assert distinct.events["page_title"].to_list() == ["first", "Shop – Käse"]


def test_an_event_near_midnight_belongs_to_its_utc_day() -> None:
    lines = [
        line(timestamp="2025-10-10T23:30:00Z", event_id="x"),
        line(timestamp="2025-10-11T01:30:00+02:00", event_id="x"),
        line(timestamp="2025-10-11T00:30:00Z", event_id="x"),
    ]
    found = sift(b"\n".join(lines), Admission({"a3f7c2": True}, EARLIEST, NOW)).frame().with_columns(batch_index=0)

    assert doubles.drop(found, found.head(0).lazy()).doubled == {0: 1}


IDENTITY = st.tuples(st.sampled_from("ab"), st.integers(4, 6), st.sampled_from("xyz"))


@settings(max_examples=60)
@given(batches=st.lists(st.lists(IDENTITY, max_size=6), min_size=1, max_size=4), stored=st.lists(IDENTITY, max_size=5))
def test_what_stays_and_what_is_doubled_is_all_there_was(
    batches: list[list[tuple[str, int, str]]], stored: list[tuple[str, int, str]]
) -> None:
    every = [identity for batch in batches for identity in batch]
    index = [i for i, batch in enumerate(batches) for _ in batch]
    found = events(*every).with_columns(pl.Series(doubles.BATCH, index, pl.Int32))

    distinct = doubles.drop(found, events(*stored).lazy())

    assert sorted(identities(distinct.events)) == sorted(set(every) - set(stored))
    stays = Counter(distinct.events[doubles.BATCH])
    assert distinct.doubled == {i: n - stays[i] for i, n in Counter(index).items()}
