"""The promise of the path: however events are split into batches, repeated and killed, the lake ends the same."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from hypothesis import event, example, given, note
from hypothesis import strategies as st

from assets.events.ledger import IngestLedger, RunOutcome
from assets.intake.refused_lines import Selection
from resources.lake import FencedOffError
from tests.assets.event_pipeline import INGEST_DEATHS, Pipeline, line
from tests.examples import examples

GOOD = [
    *(line(n) for n in range(7)),
    *(line(n, org_tag="b8e9d1") for n in range(3)),
    line(20, event_data="5", new_field=[1]),
    line(21, timestamp="2025-10-11T01:00:00+02:00"),
]
BAD = [b"not json", line(30, viewport_width="wide"), line(31, org_tag="e5f604"), b'{"cut": ']
SILENT = [line(40, consent_analytics=False), line(41, consent_analytics=False)]
LINES = [*GOOD, *BAD, *SILENT]
Rows = Counter[tuple[Any, ...]]
GROUP_BYTES = (1, 2_000, 2**28)


@dataclass(frozen=True)
class Step:
    """Batches (lines by index) that land, and what runs then: the ingest, killed or not, and the compaction."""

    batches: tuple[tuple[int, ...], ...]
    dies: str | None
    again: bool
    group_bytes: int
    compaction: str | None


@st.composite
def histories(draw: st.DrawFn) -> list[Step]:
    """Every line in at least one batch, some again, some batches landed again, in steps that may die."""
    order = list(draw(st.permutations(range(len(LINES)))))
    order += draw(st.lists(st.sampled_from(range(len(LINES))), max_size=6))
    cuts = sorted(draw(st.sets(st.integers(1, len(order) - 1), max_size=5)))
    batches = [tuple(order[a:b]) for a, b in zip([0, *cuts], [*cuts, len(order)], strict=True)]
    batches += draw(st.lists(st.sampled_from(batches), max_size=2))
    batches = list(draw(st.permutations(batches)))
    steps = []
    while batches:
        taken = draw(st.integers(1, len(batches)))
        steps.append(
            Step(
                tuple(batches[:taken]),
                draw(st.sampled_from((None, *INGEST_DEATHS))),
                draw(st.booleans()),
                draw(st.sampled_from(GROUP_BYTES)),
                draw(st.sampled_from((None, None, "none", "rewrite", "replace"))),
            )
        )
        batches = batches[taken:]
    return steps


def live_through(pipeline: Pipeline, history: list[Step]) -> None:
    for step in history:
        for batch in step.batches:
            pipeline.land(*(LINES[i] for i in batch), packed=len(batch) % 2 == 0)
        died = pipeline.ingest(dies=step.dies, group_bytes=step.group_bytes) is None
        event(f"ingest {'died after ' + str(step.dies) if died else 'lived'}")
        if step.again:
            pipeline.ingest(dies=step.dies)
        if step.compaction:
            pipeline.compact(dies=None if step.compaction == "none" else step.compaction)
    pipeline.ingested()


def test_a_run_that_lost_its_lock_and_was_overtaken_stores_nothing(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failover ends the connection that holds the lock; the process lives on and is about to commit."""
    pipeline.land(*GOOD)
    prepare = IngestLedger.prepare
    overtaken: list[str] = []

    def prepare_and_be_overtaken(ledger: IngestLedger, run: RunOutcome) -> None:
        prepare(ledger, run)
        if not overtaken:
            overtaken.append(run.ingest_id)
            pipeline.postgres.fetch(
                "select pg_terminate_backend(pid) from pg_locks join pg_database on pg_database.oid = database"
                " where locktype = 'advisory' and granted and datname = current_database()"
            )
            assert pipeline.ingested().total("stored") == len(GOOD)

    monkeypatch.setattr(IngestLedger, "prepare", prepare_and_be_overtaken)
    with pytest.raises((FencedOffError, psycopg.OperationalError)) as raised:
        pipeline.ingested()
    assert isinstance(raised.value, FencedOffError) or isinstance(raised.value.__context__, FencedOffError)
    assert pipeline.rows().total() == pipeline.ledger.totals()["stored"] == len(GOOD)

    again = pipeline.ingested()
    assert (again.batches, pipeline.rows().total()) == ([], len(GOOD))


@pytest.fixture
def clean_rows(pipeline: Pipeline) -> Rows:
    """What one batch of all lines and one ingest that lives leave in the lake."""
    pipeline.land(*LINES)
    pipeline.ingested()
    found = pipeline.rows()
    assert found.total() == len(set(found)) == len(GOOD)
    return found


ALL = tuple(range(len(LINES)))


@examples(8, 100)
@given(history=histories())
@example([Step((ALL,), "data files", True, 1, None)])
@example([Step((ALL,), "quarantine", True, 1, None)])
@example([Step((ALL,), "prepare", True, 1, None)])
@example([Step((ALL,), "lake commit", False, 1, "replace"), Step((ALL, ALL), "lake commit", True, 1, None)])
@example([Step((ALL[:9], ALL), "ledger commit", True, 1, "rewrite"), Step((ALL[5:],), None, False, 1, "none")])
def test_any_history_ends_in_the_same_rows(pipeline: Pipeline, clean_rows: Rows, history: list[Step]) -> None:
    pipeline.reset()
    live_through(pipeline, history)

    note(f"{pipeline.ledger.totals()}")
    assert pipeline.rows() == clean_rows
    assert pipeline.ledger.unbalanced() == []
    totals = pipeline.ledger.totals()
    assert totals["batches"] == sum(len(step.batches) for step in history)
    assert totals["received"] == sum(len(batch) for step in history for batch in step.batches)
    assert totals["stored"] == len(GOOD)
    assert {raw for _, _, raw in pipeline.refused()} == set(BAD)
    assert pipeline.postgres.fetch("select 1 from ingest.runs where state <> 'committed'") == []
    assert totals["quarantined"] == len(pipeline.quarantine.refusals.lines(Selection()))
    added = Counter(c.operation for c in pipeline.table.changes(None))
    assert set(added) <= {"append", "replace"}
