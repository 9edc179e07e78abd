"""Ingest: every line of every batch accounted for, once, in one commit a run."""

import base64
import gzip
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from assets.events.ingest import admission, pending
from assets.events.ledger import BatchOutcome
from assets.events.record import NAMES
from assets.events.second_reading import NO_NAME
from assets.intake.refused_lines import Selection
from assets.privacy.tombstones import within
from resources import migrations
from resources.d1 import EmbeddedD1
from resources.lake import LakeTable
from sandbox import sample
from sandbox.sample_stores import fill_d1
from tests.assets.event_pipeline import EARLIEST, NOW, Pipeline, event, line
from tests.tombstones import bury


def counts(batch: BatchOutcome) -> tuple[int, int, int, int, int]:
    return (batch.received, batch.stored, batch.doubled, batch.quarantined, batch.without_consent)


def test_every_line_of_a_batch_is_accounted_for(pipeline: Pipeline) -> None:
    pipeline.land(line(1), b"", line(1), b"bad", line(2, consent_analytics=False), line(3, org_tag="e5f604"))
    pipeline.land(line(1), line(4, new_field=1), packed=True)

    run = pipeline.ingested()

    assert [counts(batch) for batch in run.batches] == [(5, 1, 1, 2, 1), (2, 1, 1, 0, 0)]
    assert pipeline.ledger.unbalanced() == []
    assert pipeline.ledger.totals(run.ingest_id)["received"] == 7
    assert dict(run.unknown_fields) == {"new_field": 1}
    assert pipeline.refused() == Counter(
        {("not_json", "", b"bad"): 1, ("inactive_org_tag", "org_tag", line(3, org_tag="e5f604")): 1}
    )
    assert pipeline.event_ids() == ["event-1", "event-4"]


def test_events_of_who_was_erased_are_counted_and_not_stored(pipeline: Pipeline) -> None:
    bury(pipeline.postgres, "clearlift", ("user", "gone"), ("visitor", "gone too"))
    pipeline.land(line(1, user_id="gone"), line(2), line(4, anonymous_id="gone too"))
    pipeline.land(line(5, user_id="gone"))
    run = pipeline.ingested()
    assert [counts(batch) for batch in run.batches] == [(3, 1, 0, 0, 2), (1, 0, 0, 0, 1)]
    assert pipeline.ledger.unbalanced() == []
    assert pipeline.event_ids() == ["event-2"]


def test_refused_lines_of_who_was_erased_keep_no_bytes(pipeline: Pipeline) -> None:
    here_alone = within("a3f7c2", "user", "only there")
    bury(pipeline.postgres, "clearlift", ("user", "gone"), ("visitor", "gone too"), here_alone)
    kept = line(1, org_tag="nobody", user_id="gone-by")
    elsewhere = line(9, org_tag="b8e9d1", user_id="only there", timestamp="x")
    pipeline.land(
        kept,
        line(2, org_tag="nobody", user_id="gone"),
        b'{"anonymous_id" : "gone\\u0020too", "cut',
        line(3, user_id="only there", timestamp="x"),
        elsewhere,
    )
    pipeline.land(b'[{"user_id": "gone"}]')
    cut = gzip.compress(b'[{"user_id": "gone"}]')[:-8]
    pipeline.store.put(f"{pipeline.zone.hour_prefix(pipeline.now)}cut.ndjson.gz", cut)
    pipeline.land(b'[{"user_id": "here"}]')

    run = pipeline.ingested()

    assert pipeline.ledger.unbalanced() == []
    assert sum(batch.received for batch in run.batches) == 8
    reasons = Counter(row["reason"] for row in pipeline.postgres.fetch("select reason from ingest.quarantine"))
    assert reasons == {"erased_person": 5, "unknown_org_tag": 1, "wrong_type": 1, "unreadable_batch": 1}
    stored = b"".join(
        gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data
        for data in (pipeline.store.get(info.key) for info in pipeline.store.list("quarantine"))
    )
    left = {base64.b64decode(found) for found in re.findall(rb'"raw":"([^"]*)"', stored)}
    assert left == {b"", kept, elsewhere}
    assert b"gone" not in stored
    assert b"here" in stored
    assert pipeline.quarantine.replay(Selection(reason="erased_person")).landed == 0


def test_the_lake_holds_every_value_of_an_event(pipeline: Pipeline) -> None:
    pipeline.land(line(1), line(4, event_data='{"a": 1}', consent_marketing=False, scroll_depth=0.1))
    pipeline.ingested()

    (row,) = pipeline.table.scan().filter(event_id="event-4").collect().select(NAMES).to_dicts()
    expected = dict.fromkeys(NAMES) | event(4, event_data='{"a": 1}', consent_marketing=False, scroll_depth=0.1)
    row["timestamp"] = row["timestamp"].isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert row == expected


def test_a_run_is_one_commit_with_a_file_a_partition(pipeline: Pipeline) -> None:
    pipeline.land(*(line(n) for n in range(12)))
    pipeline.land(*(line(n, org_tag="b8e9d1") for n in range(12)))

    run = pipeline.ingested()

    (commit,) = pipeline.table.changes(None)
    assert commit.id == run.snapshot_id
    assert len(commit.added) == run.files == 6
    assert sum(f.file_size_in_bytes for f in commit.added) == run.bytes
    assert (commit.summary["clearlift.writer"], commit.summary["clearlift.batches"]) == ("ingest", "2")
    assert pipeline.table.landed(run.ingest_id) == run.snapshot_id
    first, last = run.batches[0].first_event, run.batches[0].last_event
    assert first is not None
    assert last is not None
    assert (first.day, last.day) == (10, 12)


def test_nothing_new_changes_nothing(pipeline: Pipeline) -> None:
    assert pipeline.ingested().batches == []
    pipeline.land(line(1))
    pipeline.ingested()
    before = (pipeline.table.head(), pipeline.ledger.totals())

    run = pipeline.ingested()

    assert (run.batches, run.snapshot_id) == ([], None)
    assert pipeline.ingested(sweep=True).batches == []
    assert (pipeline.table.head(), pipeline.ledger.totals()) == before


def test_a_batch_under_another_name_adds_nothing(pipeline: Pipeline) -> None:
    lines = (line(1), b"bad", line(2), b"")
    pipeline.land(*lines)
    pipeline.land(*lines)
    pipeline.ingested()
    pipeline.land(*lines)
    again = pipeline.ingested()

    assert counts(again.batches[0]) == (3, 0, 3, 0, 0)
    assert pipeline.ledger.totals() == {
        "batches": 3, "received": 9, "stored": 2, "doubled": 6, "conflicting": 0, "quarantined": 1,
        "without_consent": 0,
    }  # fmt: skip
    assert pipeline.ledger.unbalanced() == []
    assert (pipeline.snapshots(), pipeline.event_ids()) == (1, ["event-1", "event-2"])


def test_the_same_lines_packed_otherwise_add_nothing(pipeline: Pipeline) -> None:
    pipeline.land(line(1), line(2))
    pipeline.ingested()
    pipeline.land(line(1), line(2), packed=True)

    assert counts(pipeline.ingested().batches[0]) == (2, 0, 2, 0, 0)
    assert pipeline.snapshots() == 1


def test_a_batch_that_was_overwritten_is_read_again(pipeline: Pipeline) -> None:
    pipeline.land(line(1), name="same")
    pipeline.ingested()
    pipeline.land(line(1), line(2), name="same")

    assert counts(pipeline.ingested().batches[0]) == (2, 1, 1, 0, 0)
    assert pipeline.event_ids() == ["event-1", "event-2"]


def test_a_batch_of_bad_lines_stops_nothing(pipeline: Pipeline) -> None:
    pipeline.land(b"bad", b"worse", line(1, org_tag="zzzzzz"))
    pipeline.land(line(2))
    run = pipeline.ingested()

    assert [counts(batch) for batch in run.batches] == [(3, 0, 0, 3, 0), (1, 1, 0, 0, 0)]
    pipeline.land(b"nothing but this")
    alone = pipeline.ingested()
    assert (alone.snapshot_id, counts(alone.batches[0])) == (None, (1, 0, 0, 1, 0))
    assert pipeline.ingested().batches == []


def test_a_name_that_postgres_cannot_store_stops_nothing(pipeline: Pipeline) -> None:
    pipeline.land(line(1, **{"bad\0name": 1}), line(2, event_type="a\0b"), line(3))
    run = pipeline.ingested()

    assert counts(run.batches[0]) == (3, 2, 0, 1, 0)
    assert pipeline.postgres.fetch("select field from ingest.unknown_fields") == [{"field": NO_NAME}]


def test_an_unreadable_batch_is_one_refusal(pipeline: Pipeline) -> None:
    cut = gzip.compress(line(1) * 9, mtime=0)[:-6]
    keys = [f"{pipeline.zone.hour_prefix(NOW)}{name}.ndjson.gz" for name in ("cut-a", "cut-b")]
    for key in keys:
        pipeline.store.put(key, cut)
    pipeline.land(line(2))
    run = pipeline.ingested()

    assert [counts(batch) for batch in run.batches] == [(1, 1, 0, 0, 0), (1, 0, 0, 1, 0), (1, 0, 1, 0, 0)]
    assert pipeline.refused() == Counter({("unreadable_batch", "gzip cut short", cut): 1})
    assert pipeline.ingested().batches == []


def test_an_object_too_large_to_hold_is_one_refusal(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(landing, "LARGEST_OBJECT", 2**20)
    pipeline.land(b"x" * (2**20 + 1))
    pipeline.land(line(1))
    got: list[str] = []
    get = pipeline.store.get

    def watched(key: str) -> bytes:
        got.append(key)
        return get(key)

    monkeypatch.setattr(pipeline.store, "get", watched)

    run = pipeline.ingested()

    assert [counts(batch) for batch in run.batches] == [(1, 0, 0, 1, 0), (1, 1, 0, 0, 0)]
    assert got == [run.batches[1].object_key]
    assert pipeline.refused() == Counter({("unreadable_batch", "larger than 1 MiB", b"x" * (2**20 + 1) + b"\n"): 1})


@pytest.mark.parametrize("group_bytes", [1, 2_000])
def test_groups_bound_memory_and_change_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, group_bytes: int
) -> None:
    monkeypatch.setattr("assets.events.ingest.CHUNK_BYTES", 3 * (len(line(10)) + 1))
    batches = [[line(n % 20) for n in range(start, start + 8)] for start in range(0, 40, 5)]
    for batch in batches:
        pipeline.land(*batch, b"bad")
    whole = pipeline.ingested()
    expected, counted = pipeline.rows(), [counts(batch) for batch in whole.batches]
    pipeline.reset()

    held: list[int] = []
    write = LakeTable.write

    def watched(self: LakeTable, parts: Any) -> Any:
        parts = list(parts)
        held.append(sum(rows.height for _, rows in parts))
        return write(self, parts)

    monkeypatch.setattr(LakeTable, "write", watched)
    for batch in batches:
        pipeline.land(*batch, b"bad")
    run = pipeline.ingested(group_bytes=group_bytes)

    assert pipeline.rows() == expected
    assert [counts(batch) for batch in run.batches] == counted
    assert len(run.commits) == len({ingest_id for ingest_id, _ in run.commits}) > 1
    assert pipeline.snapshots() == sum(snapshot is not None for _, snapshot in run.commits)
    assert pipeline.ledger.totals()["stored"] == run.total("stored") == expected.total()
    # The bytes of refused lines lie in the store; in memory are those of the last group alone.
    assert [raw for batch in run.batches[:-1] for raw in (r.raw for r in batch.refusals) if raw] == []
    assert len(held) > 3
    assert max(held) <= 3 * (1 + group_bytes // 1_000)


def test_line_numbers_go_on_over_chunks(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.events.ingest.CHUNK_BYTES", 3 * (len(line(10)) + 1))
    pipeline.land(*(line(n) for n in range(7)), b"bad")
    run = pipeline.ingested()

    assert [refusal.line for refusal in run.batches[0].refusals] == [8]


def test_listing_costs_what_arrived_lately_and_a_sweep_finds_the_rest(pipeline: Pipeline) -> None:
    pipeline.land(line(1))
    pipeline.ingested()
    old = pipeline.land(line(2), at=NOW - timedelta(days=5))
    late = pipeline.land(line(3), at=NOW - timedelta(days=2))

    assert [o.key for o in pending(CLEARLIFT, pipeline.store, pipeline.postgres)] == [late]
    assert [o.key for o in pending(CLEARLIFT, pipeline.store, pipeline.postgres, sweep=True)] == [old, late]
    pipeline.ingested()
    assert pipeline.event_ids() == ["event-1", "event-3"]
    pipeline.ingested(sweep=True)
    assert pipeline.event_ids() == ["event-1", "event-2", "event-3"]


def test_what_another_writer_stored_is_a_double(pipeline: Pipeline) -> None:
    pipeline.land(line(1), line(2))
    pipeline.ingested()
    rows = pipeline.table.scan().select(NAMES).collect()
    pipeline.reset()
    pipeline.table.load().append(rows.to_arrow().cast(pipeline.table.spec.arrow_schema()))

    pipeline.land(line(1), line(2), line(3))
    assert counts(pipeline.ingested().batches[0]) == (3, 1, 2, 0, 0)


def test_organisations_come_from_d1(pipeline: Pipeline, tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "d1.sqlite")
    migrations.up(migrations.D1AppliedMigrations(d1, "clearlift-d1"), "clearlift/d1")
    fill_d1(d1)

    found = admission(d1, "clearlift/org_tags.sql", EARLIEST)(NOW)
    d1.close()

    assert found.orgs == {"a3f7c2": True, "b8e9d1": True, "c41d7e": True, "d90a2b": True, "e5f604": False}
    assert (found.earliest, found.latest) == (EARLIEST, NOW + timedelta(hours=24))


def test_a_sample_becomes_what_is_true_of_it(pipeline: Pipeline) -> None:
    pipeline.orgs = {org.tag: org.active for org in sample.ORGANISATIONS}
    batches, truth = sample.batches(NOW, days=2, seed=11, scale=0.03)
    for batch in batches:
        pipeline.land(*batch.lines, at=batch.arrival, packed=True)

    run = pipeline.ingested(sweep=True)

    assert {what: run.total(what) for what in ("received", "stored", "doubled", "quarantined", "without_consent")} == {
        what: getattr(truth, what) for what in ("received", "stored", "doubled", "quarantined", "without_consent")
    }
    assert truth.quarantined > 0
    refused: Counter[str] = Counter()
    for (reason, _, _), lines in pipeline.refused().items():
        refused[reason] += lines
    assert refused == truth.refused
    ids = pipeline.event_ids()
    assert len(ids) == len(set(ids)) == truth.stored
    assert pipeline.ledger.unbalanced() == []
    landed = {msgspec.json.decode(raw)["event_id"] for b in batches for raw in b.lines if raw.endswith(b"}")}
    assert set(ids) <= landed
