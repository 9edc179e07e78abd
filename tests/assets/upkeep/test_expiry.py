"""Expiry beside the ingest and the roll-ups: what they still need stays, what they are done with goes."""

from datetime import UTC, datetime, timedelta

import pytest

from assets.apps.clearlift import APP
from assets.events import ingest
from assets.lake_tables import lake_tables
from assets.rollups.build import RollUp
from assets.rollups.definition import Grain
from assets.rollups.follow import follow as follow_commits
from assets.upkeep.expiry import Expiry
from assets.upkeep.keep import SnapshotPolicy
from assets.windows import Window
from resources.lake.expiry import expire, snapshots
from tests.assets.event_pipeline import NOW, Pipeline, line

TOMORROW = datetime.now(UTC) + timedelta(days=2)  # snapshots carry the real time, and all are old by then
FEW = SnapshotPolicy(at_least=1)


def expiry(pipeline: Pipeline) -> Expiry:
    return Expiry(APP, lake_tables(APP)[0], pipeline.table, pipeline.postgres, lambda: TOMORROW, FEW)


def ingest_some(pipeline: Pipeline, *numbers: int, dies: str | None = None) -> None:
    for number in numbers:
        pipeline.land(line(number))
        pipeline.ingest(dies=dies)


def follow(pipeline: Pipeline, commits: int = 50) -> None:
    follow_commits(APP, pipeline.table, pipeline.postgres, lambda: NOW, commits)


def test_what_the_roll_ups_followed_expires_and_no_more(pipeline: Pipeline) -> None:
    ingest_some(pipeline, 1, 2, 3, 4)
    listed = snapshots(pipeline.table)
    assert expiry(pipeline).run().kept == {"not followed by the roll-ups": 4}

    follow(pipeline, commits=3)
    planned = expiry(pipeline).plan()
    assert len(snapshots(pipeline.table)) == 4
    done = expiry(pipeline).run()

    assert planned == done
    assert (done.before, done.after, done.kept) == (4, 2, {"not followed by the roll-ups": 2})
    assert [s.id for s in snapshots(pipeline.table)] == [s.id for s in listed[2:]]
    assert [c.id for c in pipeline.table.changes(listed[2].id)] == [listed[3].id]
    follow(pipeline)
    assert expiry(pipeline).run().after == 1
    assert pipeline.event_ids() == [f"event-{n}" for n in range(1, 5)]


def test_killed_ingest_runs_are_settled_before_their_commit_expires(pipeline: Pipeline) -> None:
    ingest_some(pipeline, 1)
    ingest_some(pipeline, 2, dies="lake commit")
    # Another writer's commit hides which append was the table's last.
    pipeline.table.append([], "another")
    follow(pipeline)

    expiry(pipeline).run()

    assert pipeline.postgres.fetch("select distinct state from ingest.runs") == [{"state": "committed"}]
    assert pipeline.ledger.totals()["stored"] == 2
    pipeline.ingest(sweep=True)
    assert pipeline.event_ids() == ["event-1", "event-2"]


def test_beside_a_running_ingest_its_commit_stays(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assets.upkeep.expiry.LOCK_SECONDS", 0)
    ingest_some(pipeline, 1, dies="lake commit")
    ingest_commit = snapshots(pipeline.table)[0].id
    pipeline.table.append([], "another")
    follow(pipeline)

    with pipeline.postgres.lock(ingest.lock_name(APP)):
        done = expiry(pipeline).run()

    assert done.kept == {"unsettled ingest": 1, "not followed by the roll-ups": 1}
    assert snapshots(pipeline.table)[0].id == ingest_commit
    pipeline.ingest(sweep=True)
    assert pipeline.event_ids() == ["event-1"]


def test_the_audit_keeps_what_recent_hours_were_built_from(pipeline: Pipeline) -> None:
    ingest_some(pipeline, 0)
    hour = Window(datetime(2025, 10, 10, 0, tzinfo=UTC), datetime(2025, 10, 10, 1, tzinfo=UTC))
    RollUp(APP, Grain.HOURLY, pipeline.table, pipeline.postgres, lambda: NOW).run(hour)
    built_from = snapshots(pipeline.table)[0].id
    ingest_some(pipeline, 1, 2)
    follow(pipeline)

    assert expiry(pipeline).run().kept == {"audit of roll-ups": 1, "not followed by the roll-ups": 1}
    assert snapshots(pipeline.table)[0].id == built_from


def test_compaction_and_expiry_leave_late_hours_as_they_are(pipeline: Pipeline) -> None:
    ingest_some(pipeline, 1, 4, 7)
    follow(pipeline)
    pipeline.compact()
    expiry(pipeline).run()
    ingest_some(pipeline, 10)

    assert follow_commits(APP, pipeline.table, pipeline.postgres, lambda: NOW) == 2
    assert expire(pipeline.table, lambda _: ()) != []
    assert follow_commits(APP, pipeline.table, pipeline.postgres, lambda: NOW) == 0
