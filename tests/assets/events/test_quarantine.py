"""The quarantine: bytes that survive whatever they are, and the way back of a line."""

import gzip
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.events import quarantine
from assets.events.ledger import BatchOutcome
from assets.events.quarantine import Replayed
from assets.events.validation import Reason, Refusal
from resources.postgres import Postgres
from tests.assets.pipeline import Killed, Pipeline, line


def replay(pipeline: Pipeline, **of: object) -> Replayed:
    return quarantine.replay(pipeline.store, pipeline.postgres, lambda: pipeline.now, **of)  # type: ignore[arg-type]


def reasons(pipeline: Pipeline) -> dict[str, int]:
    return {row["reason"]: row["lines"] for row in quarantine.summary(pipeline.postgres)}


@settings(max_examples=40)
@given(raws=st.dictionaries(st.integers(1, 99), st.binary(max_size=60), min_size=1, max_size=5))
def test_any_bytes_are_kept_as_they_were(pipeline: Pipeline, raws: dict[int, bytes]) -> None:
    batch = BatchOutcome("key", "etag", "c0ffee", 1)
    batch.refusals = [Refusal(n, Reason.NOT_JSON, "", raw) for n, raw in raws.items()]

    quarantine.keep(pipeline.store, batch)
    first = pipeline.store.get(quarantine.object_key("c0ffee"))
    quarantine.keep(pipeline.store, batch)

    assert quarantine.read(pipeline.store, "c0ffee") == raws
    assert pipeline.store.get(quarantine.object_key("c0ffee")) == first


def test_a_batch_without_refusals_leaves_nothing(pipeline: Pipeline) -> None:
    quarantine.keep(pipeline.store, BatchOutcome("key", "etag", "c0ffee", 1))
    assert list(pipeline.store.list("quarantine")) == []


def test_open_lines_are_told_by_reason_and_batch(pipeline: Pipeline) -> None:
    first = pipeline.land(line(1), b"bad", line(2, org_tag="zzzzzz"), b"worse")
    second = pipeline.land(line(3, org_tag="zzzzzz"))
    run = pipeline.ingested()

    def found(**of: str) -> list[tuple[str, int, str]]:
        rows = quarantine.open_lines(pipeline.postgres, **of)
        return [(row["object_key"], row["line"], row["reason"]) for row in rows]

    bad = [(first, 2, "not_json"), (first, 4, "not_json")]
    assert found(reason="not_json") == bad
    assert found(batch=first) == sorted([*bad, (first, 3, "unknown_org_tag")])
    assert found(batch=run.batches[1].sha256[:12]) == [(second, 1, "unknown_org_tag")]
    assert found(batch="nowhere") == []
    assert len(found()) == 4
    (summary, other) = quarantine.summary(pipeline.postgres)
    assert (summary["reason"], summary["field"], summary["lines"], summary["batches"]) == ("not_json", "", 2, 1)
    assert (other["reason"], other["field"], other["lines"], other["batches"]) == ("unknown_org_tag", "org_tag", 2, 2)


def test_a_line_whose_cause_is_gone_is_stored_by_a_replay(pipeline: Pipeline) -> None:
    raw = line(1, org_tag="newone")
    pipeline.land(raw, line(2), b"bad")
    pipeline.ingested()
    pipeline.orgs["newone"] = True

    replayed = replay(pipeline, reason="unknown_org_tag")
    run = pipeline.ingested()

    assert (replayed.lines, run.batches[0].object_key) == (1, replayed.object_key)
    assert pipeline.event_ids() == ["event-1", "event-2"]
    assert reasons(pipeline) == {"not_json": 1}
    assert pipeline.ledger.unbalanced() == []


def test_lines_are_replayed_as_they_were_landed(pipeline: Pipeline) -> None:
    raws = [b"\xff\x00bad", line(1, org_tag="zzzzzz") + b"\r"]
    pipeline.land(*raws, line(2))
    pipeline.ingested()

    replayed = replay(pipeline)

    assert replayed.object_key is not None
    assert gzip.decompress(pipeline.store.get(replayed.object_key)) == b"\n".join(raws) + b"\n"


def test_replaying_twice_replays_once(pipeline: Pipeline) -> None:
    pipeline.land(line(1, org_tag="newone"))
    pipeline.ingested()
    pipeline.orgs["newone"] = True

    first, second = replay(pipeline), replay(pipeline)
    pipeline.ingested()

    assert (first.lines, second) == (1, Replayed(None, 0))
    assert replay(pipeline) == Replayed(None, 0)
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


def test_mended_lines_go_in_their_stead(pipeline: Pipeline) -> None:
    key = pipeline.land(line(1, viewport_width="wide"), line(2), b"bad")
    pipeline.ingested()

    replayed = replay(pipeline, batch=key, mended=[line(1, viewport_width=390), b"  ", b""])
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
    if ingested_between:
        pipeline.ingested()
    pipeline.now += later
    assert replay(pipeline).lines == 1
    pipeline.ingested()

    assert pipeline.event_ids() == ["event-1", "event-2"]
    assert reasons(pipeline) == {}
    assert pipeline.ledger.unbalanced() == []


def test_a_refused_batch_stays_open(pipeline: Pipeline) -> None:
    pipeline.store.put("landing/events/2025/10/14/12/cut.ndjson.gz", gzip.compress(line(1))[:-4])
    pipeline.ingested()

    assert replay(pipeline) == Replayed(None, 0)
    assert reasons(pipeline) == {"unreadable_batch": 1}
