"""The ledger: a prepared run is nobody's until it is committed, and a killed one is settled by what the lake says."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import psycopg
import pytest

from assets.events.ledger import BatchOutcome, RunOutcome
from assets.events.validation import EventReason
from assets.intake.refusal import Refusal
from tests.assets.event_pipeline import NOW, Pipeline

FIRST = "00000000-0000-0000-0000-000000000001"
SECOND = "00000000-0000-0000-0000-000000000002"


@dataclass
class Landed:
    """A lake that knows the snapshots of some runs, and notes which it was asked about."""

    snapshots: Mapping[str, int]
    asked: list[str] = field(default_factory=list)

    def settled(self, commit_id: str) -> int | None:
        self.asked.append(commit_id)
        return self.snapshots.get(commit_id)

    def sequence(self, snapshot_id: int) -> int | None:
        return 3 if snapshot_id else None


def run(ingest_id: str = FIRST, key: str = "one", sha256: str = "aa") -> RunOutcome:
    """A run of one batch of ten lines."""
    batch = BatchOutcome(key, "etag", sha256, 1000, received=10, stored=6, doubled=2, without_consent=1)
    batch.refusals = [Refusal(4, EventReason.WRONG_TYPE, "viewport_width", b"raw")]
    batch.first_event = batch.last_event = NOW
    return RunOutcome(
        ingest_id,
        NOW,
        [batch],
        Counter({("a3f7c2", NOW.replace(minute=0), "page_view"): 1}),
        Counter({"new_field": 3}),
    )


def test_counts_of_a_prepared_run_are_nobodys(pipeline: Pipeline) -> None:
    ledger = pipeline.ledger
    ledger.prepare(run())

    assert ledger.known_objects([("one", "etag")]) == set()
    assert ledger.known_checksums(["aa"]) == set()
    assert ledger.taken_until() is None
    assert ledger.totals()["batches"] == 0
    assert pipeline.refused() == Counter()


def test_a_committed_run_is_known(pipeline: Pipeline) -> None:
    ledger = pipeline.ledger
    ledger.prepare(run())
    ledger.commit(FIRST, 7, 1, NOW)

    assert ledger.known_objects([("one", "etag"), ("one", "other"), ("two", "etag")]) == {("one", "etag")}
    assert ledger.known_checksums(["aa", "bb"]) == {"aa"}
    assert ledger.taken_until() == NOW
    counts = {"batches": 1, "received": 10, "stored": 6, "doubled": 2, "quarantined": 1, "without_consent": 1}
    counts["conflicting"] = 0
    assert ledger.totals() == ledger.totals(FIRST) == counts
    assert ledger.totals(SECOND)["batches"] == 0
    assert pipeline.postgres.fetch("select org_tag, hour, event_type, events from ingest.without_consent") == [
        {"org_tag": "a3f7c2", "hour": NOW.replace(minute=0), "event_type": "page_view", "events": 1}
    ]
    assert pipeline.postgres.fetch("select field, events from ingest.unknown_fields") == [
        {"field": "new_field", "events": 3}
    ]
    assert ledger.unbalanced() == []


def test_a_batch_that_does_not_add_up_is_named(pipeline: Pipeline) -> None:
    wrong = run()
    wrong.batches[0].stored = 5
    pipeline.ledger.prepare(wrong)
    pipeline.ledger.commit(FIRST, 7, 1, NOW)

    (found,) = pipeline.ledger.unbalanced()
    assert (found["object_key"], found["received"], found["stored"]) == ("one", 10, 5)
    assert pipeline.ledger.unbalanced(FIRST) == [found]
    assert pipeline.ledger.unbalanced(SECOND) == []


def test_a_run_that_did_not_land_is_forgotten(pipeline: Pipeline) -> None:
    pipeline.ledger.prepare(run())
    pipeline.ledger.settle(Landed({}), NOW)

    for table in ("runs", "batches", "quarantine", "without_consent", "unknown_fields"):
        assert pipeline.postgres.fetch(f"select count(*) as n from ingest.{table}") == [{"n": 0}]
    pipeline.ledger.prepare(run(SECOND))


@pytest.mark.parametrize("snapshot", [7, 0])
def test_a_run_that_landed_is_committed(pipeline: Pipeline, snapshot: int) -> None:
    pipeline.ledger.prepare(run())
    landed = Landed({FIRST: snapshot})
    later = NOW + timedelta(hours=1)
    pipeline.ledger.settle(landed, later)
    pipeline.ledger.settle(landed, later)

    assert landed.asked == [FIRST]
    (row,) = pipeline.postgres.fetch("select state, snapshot_id, sequence, committed_at from ingest.runs")
    sequence = landed.sequence(snapshot)
    assert row == {"state": "committed", "snapshot_id": snapshot, "sequence": sequence, "committed_at": later}
    assert pipeline.ledger.known_checksums(["aa"]) == {"aa"}


def test_a_run_is_committed_once_and_never_after_it_was_forgotten(pipeline: Pipeline) -> None:
    pipeline.ledger.prepare(run())
    pipeline.ledger.commit(FIRST, 7, 1, NOW)
    with pytest.raises(RuntimeError, match=f"ingest run {FIRST} is no longer prepared"):
        pipeline.ledger.commit(FIRST, 8, 2, NOW)

    pipeline.ledger.prepare(run(SECOND, "two", "bb"))
    pipeline.ledger.settle(Landed({}), NOW)
    with pytest.raises(RuntimeError, match=f"ingest run {SECOND} is no longer prepared"):
        pipeline.ledger.commit(SECOND, 7, 1, NOW)
    assert pipeline.ledger.totals()["batches"] == 1


def test_a_run_is_prepared_whole_or_not_at_all(pipeline: Pipeline) -> None:
    twice = run()
    twice.batches.append(twice.batches[0])

    with pytest.raises(psycopg.errors.UniqueViolation):
        pipeline.ledger.prepare(twice)
    assert pipeline.postgres.fetch("select count(*) as n from ingest.runs") == [{"n": 0}]
