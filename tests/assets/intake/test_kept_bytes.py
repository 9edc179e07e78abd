"""Any bytes that were refused, kept as they were."""

import gzip
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events.validation import EventReason
from assets.intake import kept_bytes, objects
from assets.intake.kept_bytes import keep, read, read_whole
from assets.intake.refusal import Refusal
from assets.intake.refused_lines import Selection
from resources.r2 import FolderObjectStore, ObjectNotFoundError
from resources.sql_files import read_sql
from tests.assets.event_pipeline import Pipeline, line

assert CLEARLIFT.audience is not None
PREFIX = CLEARLIFT.audience.quarantine
CUT = gzip.compress(line(1), mtime=0)[:-4]


@settings(max_examples=40)
@given(raws=st.dictionaries(st.integers(1, 99), st.binary(max_size=60), min_size=1, max_size=5))
def test_any_bytes_are_kept_as_they_were(pipeline: Pipeline, raws: dict[int, bytes]) -> None:
    refusals = [Refusal(n, EventReason.NOT_JSON, "", raw) for n, raw in raws.items()]

    keep(pipeline.store, PREFIX, "c0ffee", refusals)
    first = pipeline.store.get(f"{PREFIX}c0ffee.ndjson.gz")
    keep(pipeline.store, PREFIX, "c0ffee", refusals)

    assert read(pipeline.store, PREFIX, "c0ffee") == raws
    assert pipeline.store.get(f"{PREFIX}c0ffee.ndjson.gz") == first


def test_a_batch_without_refusals_leaves_nothing(pipeline: Pipeline) -> None:
    keep(pipeline.store, PREFIX, "c0ffee", [])
    assert list(pipeline.store.list("quarantine")) == []


@pytest.mark.parametrize("streamed", [False, True])
def test_a_batch_that_cannot_be_read_is_kept_whole(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, streamed: bool
) -> None:
    if streamed:
        monkeypatch.setattr(kept_bytes, "LARGEST_COPY", 1)
    key = f"{pipeline.zone.hour_prefix(pipeline.now)}cut.ndjson.gz"
    pipeline.store.put(key, CUT)
    pipeline.ingested()
    (refused,) = pipeline.quarantine.refusals.lines(Selection())
    assert (refused.line, refused.kept) == (0, True)

    # What writes into the landed file, as other programs may, does not change the copy; nor does its deletion.
    (pipeline.folder / key).write_bytes(b"another")
    assert b"".join(pipeline.quarantine.whole(refused.batch)) == CUT
    pipeline.store.delete(key)
    assert b"".join(pipeline.quarantine.whole(refused.batch)) == CUT


def test_what_is_too_large_to_be_read_is_kept_whole(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.events.landing.LARGEST_OBJECT", 100)
    key = pipeline.land(line(1))
    pipeline.ingested()
    (refused,) = pipeline.quarantine.refusals.lines(Selection())
    pipeline.store.delete(key)
    assert b"".join(pipeline.quarantine.whole(refused.batch)) == line(1) + b"\n"


def test_bytes_from_before_copies_were_kept_are_where_they_landed(pipeline: Pipeline) -> None:
    pipeline.store.put("landing/old", CUT)
    assert b"".join(read_whole(pipeline.store, PREFIX, "c0ffee", "landing/old")) == CUT
    with pytest.raises(ObjectNotFoundError):
        list(read_whole(pipeline.store, PREFIX, "c0ffee", "landing/gone"))


def test_the_ledger_knows_which_batches_were_refused_before_copies_were_kept(pipeline: Pipeline) -> None:
    pipeline.store.put(f"{pipeline.zone.hour_prefix(pipeline.now)}cut.ndjson.gz", CUT)
    pipeline.land(b"bad")
    pipeline.ingested()
    # As the migration found them; a way down with these rows is refused.
    for direction in ("down", "up"):
        pipeline.postgres.execute(read_sql(f"pipelines/postgres/015_refused_values.{direction}.sql"))
    assert {line.line: line.kept for line in pipeline.quarantine.refusals.lines(Selection())} == {0: False, 1: True}


@pytest.mark.parametrize("gone", [False, True])
def test_a_batch_that_is_another_one_by_now_is_left_to_the_next_run(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, gone: bool
) -> None:
    key = f"{pipeline.zone.hour_prefix(pipeline.now)}cut.ndjson.gz"
    pipeline.store.put(key, CUT)
    copy = FolderObjectStore.copy

    def overtaken(store: FolderObjectStore, source: str, target: str) -> None:
        if gone:
            store.delete(source)
        else:
            store.put(source, gzip.compress(line(2), mtime=0))
        copy(store, source, target)

    with monkeypatch.context() as patch:
        patch.setattr(FolderObjectStore, "copy", overtaken)
        assert pipeline.ingested().batches == []
    assert list(pipeline.store.list("quarantine")) == []
    pipeline.now += timedelta(minutes=1)
    pipeline.ingested()
    assert pipeline.event_ids() == ([] if gone else ["event-2"])
    assert pipeline.quarantine.refusals.lines(Selection()) == []
    assert objects.waiting(pipeline.store, pipeline.zone, None, pipeline.ledger.known_objects) == []
