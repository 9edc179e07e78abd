"""A second source of events: each commit of its table lands once, and its rows go the way of all lines."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from unittest.mock import patch

import msgspec
import polars as pl
import pyarrow as pa
import pytest
from pyiceberg.table import Table

from assets.apps.clearlift import APP
from assets.events.stream import Stream
from assets.events.stream_lines import lines
from resources.declined import DeclinedError
from resources.lake import History, StreamTable
from tests.assets.event_pipeline import NOW, Killed, Pipeline, event
from tests.resources.lake.foreign import merge, without_copies

FIELDS = {"org_tag": "org", "timestamp": "at", "event_value": "payload.value", "page_url": "payload.page.url"}
COLUMNS: list[tuple[str, pa.DataType]] = [
    ("org", pa.string()),
    ("at", pa.timestamp("us", "UTC")),
    ("payload", pa.struct([("value", pa.float64()), ("page", pa.struct([("url", pa.string())]))])),
    *((name, pa.string()) for name in ("session_id", "anonymous_id", "event_id", "event_type", "page_title")),
    *((name, pa.string()) for name in ("page_path", "page_hostname", "device_type", "browser_name")),
    ("browser_language", pa.string()),
    ("viewport_width", pa.int32()),
    ("viewport_height", pa.int64()),
    ("consent_analytics", pa.bool_()),
    ("plan", pa.string()),
    ("__ingest_ts", pa.timestamp("us", "UTC")),
]
SCHEMA = pa.schema(COLUMNS)
NAMES = count()


class Source:
    """A table that another program appends to, and the stream of it."""

    def __init__(self, pipeline: Pipeline, fields: Mapping[str, str] = FIELDS) -> None:
        self.pipeline = pipeline
        self.name = f"other.stream_{next(NAMES)}"
        catalog = pipeline.lake.catalog
        catalog.create_namespace_if_not_exists("other")
        catalog.create_table(self.name, SCHEMA)
        assert APP.audience is not None
        app = replace(APP, audience=replace(APP.audience, stream_fields=fields))
        table = StreamTable(self.name, catalog.load_table)
        self.stream = Stream(app, table, pipeline.store, pipeline.postgres, lambda: pipeline.now)

    @property
    def table(self) -> Table:
        return self.pipeline.lake.catalog.load_table(self.name)

    def append(self, *numbers: int, **changed: Any) -> None:
        """One commit of some events."""
        with without_copies():
            self.table.append(pa.Table.from_pylist([row(number, **changed) for number in numbers], SCHEMA))

    def ids(self) -> list[str]:
        """The events of the lake, after what landed was ingested."""
        self.pipeline.ingested()
        return self.pipeline.event_ids()


def row(number: int, **changed: Any) -> dict[str, Any]:
    plain = event(number)
    given = {name: plain.get(name) for name in SCHEMA.names}
    payload = {"value": plain["event_value"], "page": {"url": plain["page_url"]}}
    moment = datetime.fromisoformat(plain["timestamp"])
    made = {**given, "org": plain["org_tag"], "at": moment, "payload": payload, "plan": "pro", "__ingest_ts": NOW}
    return {**made, **changed}


@pytest.fixture
def source(pipeline: Pipeline) -> Iterator[Source]:
    found = Source(pipeline)
    yield found
    pipeline.lake.catalog.drop_table(found.name)


def test_rows_become_events_and_each_commit_lands_once(source: Source) -> None:
    source.append(1, 2)
    source.append(3)
    assert [increment.rows for increment in source.stream.waiting()] == [2, 1]

    done = source.stream.run()

    assert (done.commits, done.rows, done.lines, len(done.batches)) == (2, 3, 3, 2)
    assert source.ids() == ["event-1", "event-2", "event-3"]
    (stored,) = source.pipeline.table.scan().filter(pl.col("event_id") == "event-1").collect().to_dicts()
    expected = event(1)
    assert stored["timestamp"] == datetime.fromisoformat(expected["timestamp"])
    for name in ("org_tag", "event_value", "page_url", "viewport_width", "consent_analytics"):
        assert stored[name] == expected[name]
    assert msgspec.json.decode(stored["event_data"]) == {"unknown_fields": {"plan": "pro"}}

    assert source.stream.waiting() == []
    assert source.stream.run().commits == 0
    source.append(4)
    assert (source.stream.run().lines, source.ids()[-1]) == (1, "event-4")


def test_what_is_no_event_is_refused_like_a_line_and_may_be_replayed(source: Source) -> None:
    source.append(1, 2, 3)
    source.append(4, org="nobody")
    source.append(5, at=None)
    source.append(6, consent_analytics=False)
    source.append(2)
    source.stream.run()
    assert source.ids() == ["event-1", "event-2", "event-3"]
    refused = [(reason, field) for reason, field, _ in source.pipeline.refused()]
    assert sorted(refused) == [("unknown_org_tag", "org_tag"), ("wrong_type", "timestamp")]
    totals = source.pipeline.ledger.totals()
    assert (totals["received"], totals["stored"], totals["doubled"]) == (7, 3, 1)
    assert (totals["quarantined"], totals["without_consent"]) == (2, 1)
    assert source.pipeline.ledger.unbalanced() == []


@pytest.mark.parametrize("hours", [0, 1])
def test_a_killed_run_lands_nothing_twice(source: Source, hours: int) -> None:
    source.append(*range(5))
    source.append(6)
    with patch.object(Stream, "_land", autospec=True, side_effect=after_landing), pytest.raises(Killed):
        source.stream.run()
    assert source.ids() == [f"event-{n}" for n in range(5)]
    # The same bytes land under the key that the receipt has, in another hour too.
    source.pipeline.now += timedelta(hours=hours)
    source.stream.run()
    source.pipeline.ingested(sweep=True)
    assert source.pipeline.event_ids() == [*(f"event-{n}" for n in range(5)), "event-6"]
    totals = source.pipeline.ledger.totals()
    assert (totals["received"], totals["doubled"]) == (6, 0)


LAND = Stream._land


def after_landing(stream: Stream, name: str, text: bytes) -> str:
    LAND(stream, name, text)
    raise Killed("landed, and the ledger does not know it")


def test_large_commits_are_cut_into_batches(source: Source) -> None:
    source.append(*range(40))
    source.append(*range(40, 60))
    source.stream.largest = 1
    done = source.stream.run()
    assert (done.lines, len(done.batches)) == (60, 2)
    assert len(source.ids()) == 60


def test_files_that_the_catalog_merges_are_no_new_rows(source: Source) -> None:
    source.append(1)
    source.append(2)
    source.stream.run()
    merge(lambda: source.table)
    source.append(3)
    done = source.stream.run()
    assert (done.commits, done.lines) == (2, 1)
    assert source.ids() == ["event-1", "event-2", "event-3"]


def test_commits_that_expired_before_they_landed_are_taken_with_the_oldest(source: Source) -> None:
    source.append(1)
    source.stream.run()
    for number in (2, 3, 4):
        source.append(number)
    snapshots = source.table.metadata.snapshots
    source.table.maintenance.expire_snapshots().by_ids([s.snapshot_id for s in snapshots[:3]]).commit()
    assert History(source.table).has_expired
    assert source.stream.run().lines == 3
    assert source.ids() == ["event-1", "event-2", "event-3", "event-4"]


def test_after_a_rollback_it_goes_on_at_the_last_common_commit(source: Source) -> None:
    source.append(1)
    kept = source.table.metadata.snapshots[-1].snapshot_id
    source.append(2)
    source.stream.run()
    source.table.manage_snapshots().rollback_to_snapshot(kept).commit()
    source.append(3)
    assert source.stream.run().lines == 1
    assert source.ids() == ["event-1", "event-2", "event-3"]
    assert source.stream.waiting() == []


def test_a_table_that_was_made_again_begins_anew(source: Source) -> None:
    source.append(1)
    source.append(2)
    source.stream.run()
    source.pipeline.lake.catalog.drop_table(source.name)
    source.pipeline.lake.catalog.create_table(source.name, SCHEMA)
    source.append(3)
    assert source.stream.run().lines == 1
    assert source.ids() == ["event-1", "event-2", "event-3"]


def test_a_table_or_column_that_is_not_there_is_one_clear_error(pipeline: Pipeline) -> None:
    source = Source(pipeline, {"org_tag": "payload.org"})
    source.append(1)
    with pytest.raises(DeclinedError, match=r"no column payload\.org.*stream_fields"):
        source.stream.run()
    pipeline.lake.catalog.drop_table(source.name)
    with pytest.raises(DeclinedError, match=f"no table {source.name}"):
        source.stream.waiting()


def test_every_kind_of_value_becomes_json() -> None:
    moment = datetime(2026, 3, 1, 1, 2, 3, 4, tzinfo=UTC)
    rows = pl.DataFrame(
        {
            "at": [moment],
            "plain": pl.Series([moment.replace(tzinfo=None)], dtype=pl.Datetime("us")),
            "price": [Decimal("1.25")],
            "raw": [b"\x00\xff"],
            "list": [[1, None]],
            "text": ['a"\n\u2028é'],
            "none": pl.Series([None], dtype=pl.String),
        }
    )
    (line,) = lines(rows, {}).splitlines()
    assert msgspec.json.decode(line) == {
        "at": "2026-03-01T01:02:03.000004Z",
        "plain": "2026-03-01T01:02:03.000004Z",
        "price": 1.25,
        "raw": "AP8=",
        "list": [1, None],
        "text": 'a"\n\u2028é',
        "none": None,
    }
