"""The quarantine: bytes that survive whatever they are, and the way back of a line."""

import gzip
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from assets.events.ingest import pending
from assets.events.ledger import IngestLedger, RunOutcome
from assets.events.validation import EventReason
from assets.intake import quarantine
from assets.intake.postgres_refusals import PostgresRefusals
from assets.intake.quarantine import Replayed
from assets.intake.refusal import Refusal
from resources.postgres import Postgres
from tests.assets.event_pipeline import Killed, Pipeline, line
from tests.tables import EVENTS

assert CLEARLIFT.audience is not None
AUDIENCE, PREFIX = CLEARLIFT.audience, CLEARLIFT.audience.quarantine


def replay(pipeline: Pipeline, **of: object) -> Replayed:
    return pipeline.quarantine.replay(**of)  # type: ignore[arg-type]


def reasons(pipeline: Pipeline) -> dict[str, int]:
    return {row["reason"]: row["lines"] for row in pipeline.quarantine.refusals.summary()}


@settings(max_examples=40)
@given(raws=st.dictionaries(st.integers(1, 99), st.binary(max_size=60), min_size=1, max_size=5))
def test_any_bytes_are_kept_as_they_were(pipeline: Pipeline, raws: dict[int, bytes]) -> None:
    refusals = [Refusal(n, EventReason.NOT_JSON, "", raw) for n, raw in raws.items()]

    quarantine.keep(pipeline.store, PREFIX, "c0ffee", refusals)
    first = pipeline.store.get(f"{PREFIX}c0ffee.ndjson.gz")
    quarantine.keep(pipeline.store, PREFIX, "c0ffee", refusals)

    assert quarantine.read(pipeline.store, PREFIX, "c0ffee") == raws
    assert pipeline.store.get(f"{PREFIX}c0ffee.ndjson.gz") == first


def test_a_batch_without_refusals_leaves_nothing(pipeline: Pipeline) -> None:
    quarantine.keep(pipeline.store, PREFIX, "c0ffee", [])
    assert list(pipeline.store.list("quarantine")) == []


def test_open_lines_are_listed_by_reason_and_batch(pipeline: Pipeline) -> None:
    first = pipeline.land(line(1), b"bad", line(2, org_tag="zzzzzz"), b"worse")
    second = pipeline.land(line(3, org_tag="zzzzzz"))
    run = pipeline.ingested()

    def found(**of: str) -> list[tuple[str, int, str]]:
        return [(line.object_key, line.line, line.reason) for line in pipeline.quarantine.refusals.open_lines(**of)]

    bad = [(first, 2, "not_json"), (first, 4, "not_json")]
    assert found(reason="not_json") == bad
    assert found(batch=first) == sorted([*bad, (first, 3, "unknown_org_tag")])
    assert found(batch=run.batches[1].sha256[:12]) == [(second, 1, "unknown_org_tag")]
    assert found(batch="nowhere") == []
    assert len(found()) == 4
    (summary, other) = pipeline.quarantine.refusals.summary()
    assert (summary["reason"], summary["field"], summary["lines"], summary["batches"]) == ("not_json", "", 2, 1)
    assert (other["reason"], other["field"], other["lines"], other["batches"]) == ("unknown_org_tag", "org_tag", 2, 2)


def test_a_line_whose_cause_is_gone_is_stored_by_a_replay(pipeline: Pipeline) -> None:
    raw = line(1, org_tag="newone")
    pipeline.land(raw, line(2), b"bad")
    pipeline.ingested()
    pipeline.orgs["newone"] = True

    replayed = replay(pipeline, reason="unknown_org_tag")
    run = pipeline.ingested()

    assert (replayed.lines, (run.batches[0].object_key,)) == (1, replayed.object_keys)
    assert pipeline.event_ids() == ["event-1", "event-2"]
    assert reasons(pipeline) == {"not_json": 1}
    assert pipeline.ledger.unbalanced() == []


def test_lines_are_replayed_as_they_were_landed(pipeline: Pipeline) -> None:
    raws = [b"\xff\x00bad", line(1, org_tag="zzzzzz") + b"\r"]
    pipeline.land(*raws, line(2))
    pipeline.ingested()

    replayed = replay(pipeline)

    (key,) = replayed.object_keys
    assert gzip.decompress(pipeline.store.get(key)) == b"\n".join(raws) + b"\n"


def test_replaying_twice_replays_once(pipeline: Pipeline) -> None:
    pipeline.land(line(1, org_tag="newone"))
    pipeline.ingested()
    pipeline.orgs["newone"] = True

    first, second = replay(pipeline), replay(pipeline)
    pipeline.ingested()

    assert (first.lines, second) == (1, Replayed((), 0))
    assert replay(pipeline) == Replayed((), 0)
    assert pipeline.event_ids() == ["event-1"]


def test_a_replay_that_is_refused_again_can_be_replayed_again(pipeline: Pipeline) -> None:
    pipeline.land(line(1, org_tag="newone"))
    pipeline.ingested()

    for _ in range(3):
        assert replay(pipeline).lines == 1
        run = pipeline.ingested()
        assert (run.total("received"), run.total("quarantined")) == (1, 1)
        assert reasons(pipeline) == {"unknown_org_tag": 1}
    pipeline.orgs["newone"] = True
    replay(pipeline)
    pipeline.ingested()

    assert pipeline.event_ids() == ["event-1"]
    assert reasons(pipeline) == {}


def test_corrected_lines_take_their_place(pipeline: Pipeline) -> None:
    key = pipeline.land(line(1, viewport_width="wide"), line(2), b"bad")
    pipeline.ingested()

    replayed = replay(pipeline, batch=key, corrected=[line(1, viewport_width=390), b"  ", b""])
    pipeline.ingested()

    assert replayed.lines == 1
    assert pipeline.event_ids() == ["event-1", "event-2"]
    assert reasons(pipeline) == {}


@pytest.mark.parametrize("later", [timedelta(0), timedelta(hours=2)])
@pytest.mark.parametrize("ingested_between", [False, True])
def test_a_replay_that_died_half_way_stores_nothing_twice(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, later: timedelta, ingested_between: bool
) -> None:
    pipeline.land(line(1, org_tag="newone"), line(2))
    pipeline.ingested()
    pipeline.orgs["newone"] = True

    def die(self: Postgres, *_: object) -> int:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Postgres, "execute", die)
        with pytest.raises(Killed):
            replay(pipeline)
    landed = [info.key for info in pipeline.store.list("landing") if "replay" in info.key]
    if ingested_between:
        pipeline.ingested()
    pipeline.now += later
    assert replay(pipeline) == Replayed(tuple(landed), 1), "the same object, whenever it is landed"
    pipeline.ingested()

    assert pipeline.event_ids() == ["event-1", "event-2"]
    assert reasons(pipeline) == {}
    assert pipeline.ledger.unbalanced() == []


def test_a_refused_batch_stays_open(pipeline: Pipeline) -> None:
    pipeline.store.put("landing/events/2025/10/14/12/cut.ndjson.gz", gzip.compress(line(1))[:-4])
    pipeline.ingested()

    assert replay(pipeline) == Replayed((), 0)
    assert reasons(pipeline) == {"unreadable_batch": 1}


def test_more_lines_than_an_object_may_hold_come_back_in_several(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.land(*(line(n, org_tag="newone") for n in range(6)))
    pipeline.ingested()
    pipeline.orgs["newone"] = True
    monkeypatch.setattr(pipeline, "zone", replace(pipeline.zone, largest_batch=5 * len(line(0))))

    assert (len(replay(pipeline).object_keys), replay(pipeline).lines) == (3, 0)
    pipeline.ingested()
    assert len(pipeline.event_ids()) == 6
    assert reasons(pipeline) == {}


def test_corrected_lines_beyond_one_object_come_in_several_and_none_at_all_is_an_empty_one(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = pipeline.land(b"bad"), pipeline.land(b"worse")
    pipeline.ingested()
    monkeypatch.setattr(pipeline, "zone", replace(pipeline.zone, largest_batch=5 * len(line(0))))

    done = replay(pipeline, batch=first, corrected=[line(n) for n in range(5)])
    assert (len(done.object_keys), done.lines) == (3, 5)
    assert replay(pipeline, batch=second, corrected=[b" "]).lines == 0
    run = pipeline.ingested()
    assert (len(run.batches), len(pipeline.event_ids()), reasons(pipeline)) == (4, 5, {})


def test_two_apps_with_the_same_batch_have_lines_of_their_own(pipeline: Pipeline) -> None:
    other = replace(
        CLEARLIFT, name="other", audience=replace(AUDIENCE, landing="landing/other/", quarantine="quarantine/other/")
    )
    theirs = replace(pipeline.engine(), app=other, events=pipeline.lake.ensure(replace(EVENTS, name="other")))
    content = b"\n".join([line(1), b"bad"])
    for zone in (pipeline.zone, landing.zone(other)):
        pipeline.store.put(f"{zone.hour_prefix(pipeline.now)}same.ndjson", content)
    ours = pipeline.ingested()
    (waiting,) = pending(other, pipeline.store, pipeline.postgres)
    assert waiting.key.startswith("landing/other/")

    run = theirs.run()

    assert (run.total("stored"), run.total("doubled"), run.total("quarantined")) == (1, 0, 1), "it is no double of ours"
    assert (theirs.run().batches, pipeline.ingested().batches) == ([], [])
    ledger = IngestLedger(pipeline.postgres, "other")
    assert ledger.totals() == pipeline.ledger.totals() == ledger.totals(run.ingest_id)
    assert ledger.totals(ours.ingest_id)["batches"] == 0
    assert replay(pipeline).lines == 1
    assert reasons(pipeline) == {}
    assert [row.line for row in PostgresRefusals(pipeline.postgres, "events", "other").open_lines()] == [2]
    pipeline.ledger.prepare(RunOutcome(str(UUID(int=1)), pipeline.now))
    ledger.settle(lambda _: None, pipeline.now)
    assert pipeline.postgres.fetch("select app from ingest.runs where state = 'prepared'") == [{"app": "clearlift"}]
