"""An operator's rollback: batches whose commit is gone are ingested again, and no others."""

from collections.abc import Iterable
from typing import Any

import pytest

from assets.events.ledger import IngestLedger
from resources.lake import LakeTable, RolledBackError
from tests.assets.event_pipeline import Pipeline, line
from tests.resources.lake.foreign import expire, roll_back


def stored(pipeline: Pipeline, *numbers: int) -> int:
    """One batch of events, ingested; the snapshot."""
    pipeline.land(*(line(n) for n in numbers))
    run = pipeline.ingested()
    assert run.snapshot_id is not None
    return run.snapshot_id


def ids(numbers: Iterable[int]) -> list[str]:
    return sorted(f"event-{n}" for n in numbers)


@pytest.mark.parametrize("expired", [False, True])
def test_batches_whose_commit_was_rolled_back_are_ingested_again(pipeline: Pipeline, expired: bool) -> None:
    good = stored(pipeline, 0, 1)
    gone = [stored(pipeline, 2, 3), stored(pipeline, 4)]
    roll_back(pipeline.table, good)
    if expired:
        expire(pipeline.table, gone)
    assert pipeline.event_ids() == ids(range(2))

    again = pipeline.ingested()

    assert (len(again.batches), again.total("stored")) == (2, 3)
    assert pipeline.event_ids() == ids(range(5))
    assert pipeline.ledger.totals()["stored"] == 5
    assert pipeline.ingested().batches == []


def test_a_batch_that_was_all_doubles_of_what_was_rolled_back_is_ingested_again(pipeline: Pipeline) -> None:
    good = stored(pipeline, 0)
    pipeline.table.load().append(_double_of(pipeline))
    pipeline.land(line(0), line(1))
    pipeline.ingested()
    pipeline.land(line(1), name="only-doubles")
    assert pipeline.ingested().total("stored") == 0

    roll_back(pipeline.table, good)
    pipeline.ingested()

    assert pipeline.event_ids() == ids(range(2))
    assert pipeline.ledger.totals()["batches"] == 3


def _double_of(pipeline: Pipeline) -> Any:
    return pipeline.table.scan().collect().to_arrow().cast(pipeline.table.load().schema().as_arrow())


def test_batches_are_not_ingested_again_because_their_snapshots_expired(pipeline: Pipeline) -> None:
    for number in range(3):
        stored(pipeline, number)
    expire(pipeline.table, pipeline.table.history().ids - {pipeline.table.head()[0]})

    pipeline.compact()
    expire(pipeline.table, pipeline.table.history().ids - {pipeline.table.head()[0]})

    assert pipeline.ingested().batches == []
    assert pipeline.event_ids() == ids(range(3))


@pytest.mark.parametrize("before", ["write", "append"])
def test_a_rollback_during_a_run_loses_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, before: str
) -> None:
    good = stored(pipeline, 0)
    stored(pipeline, 1)
    pipeline.land(line(1), line(2))
    real = getattr(LakeTable, before)

    def overtaken(*given: Any, **named: Any) -> Any:
        monkeypatch.undo()
        roll_back(pipeline.table, good)
        return real(*given, **named)

    monkeypatch.setattr(LakeTable, before, overtaken)
    with pytest.raises(RolledBackError, match="the table was rolled back meanwhile; run it again"):
        pipeline.ingested()
    assert pipeline.event_ids() == ids([0])

    pipeline.ingested()
    assert pipeline.event_ids() == ids(range(3))
    assert pipeline.ledger.totals()["stored"] == 3


def test_a_run_that_died_before_it_was_written_down_and_was_rolled_back_is_taken_again(pipeline: Pipeline) -> None:
    good = stored(pipeline, 0)
    pipeline.land(line(1))
    assert pipeline.ingest(dies="lake commit") is None
    roll_back(pipeline.table, good)

    pipeline.ingested()

    assert pipeline.event_ids() == ids(range(2))
    assert pipeline.ledger.totals()["stored"] == 2


def test_the_ledger_reads_one_row_where_nothing_was_rolled_back(pipeline: Pipeline) -> None:
    for number in range(3):
        stored(pipeline, number)
    asked: list[int] = []

    def holds(snapshot_id: int, sequence: int | None) -> bool:
        asked.append(snapshot_id)
        return pipeline.table.history().holds(snapshot_id, sequence)

    assert IngestLedger(pipeline.postgres, "clearlift").forget_rolled_back(holds) == 0
    assert asked == [pipeline.table.head()[0]]
