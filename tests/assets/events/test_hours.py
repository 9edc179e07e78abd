"""What an ingest says about the hours of its events, and that who follows it needs no data file."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.events import hours
from assets.rollups.follow import changed_hours
from resources.lake import LakeTable
from tests.assets.event_pipeline import Pipeline, line

HOUR = timedelta(hours=1)
FIRST = datetime(2025, 10, 10, tzinfo=UTC)


@given(st.dictionaries(st.integers(-10_000, 10_000), st.integers(1, 10**9), max_size=hours.MOST))
def test_hours_come_back_as_they_were(counts: dict[int, int]) -> None:
    said = {FIRST + number * HOUR: rows for number, rows in counts.items()}
    assert hours.of(hours.summary(said)) == said


def test_of_too_many_hours_nothing_is_said() -> None:
    said = {FIRST + number * HOUR: 1 for number in range(hours.MOST + 1)}
    assert hours.of(hours.summary(said)) is None
    assert hours.of({}) is None


def test_who_follows_an_ingest_reads_no_file(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline.land(*(line(n) for n in range(40)), line(3), line(3, org_tag="b8e9d1"))
    pipeline.ingested()
    (commit,) = pipeline.table.changes(None)
    read = pipeline.table.read(commit.added).collect()
    expected = Counter(at.replace(minute=0, second=0, microsecond=0) for at in read["timestamp"])

    def unread(*_: object) -> None:
        raise AssertionError("a data file is read")

    monkeypatch.setattr(LakeTable, "read", unread)
    monkeypatch.setattr(LakeTable, "named", unread)
    assert changed_hours(pipeline.table, commit) == expected
