"""The way back of refused lines: what is cured lands, corrections take their place, a wrong replay is taken back."""

import gzip
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from assets.events.ingest import pending
from assets.events.ledger import IngestLedger, RunOutcome
from assets.intake import refusal
from assets.intake.correction import CorrectionError
from assets.intake.postgres_refusals import PostgresRefusals
from assets.intake.quarantine import ReopenError, Replayed, folder_of
from assets.intake.refused_lines import RefusedLine, Selection, SeveralBatchesError
from tests.assets.event_pipeline import Pipeline, line
from tests.assets.intake.replays import Died, corrected, dying_at
from tests.tables import EVENTS

assert CLEARLIFT.audience is not None
AUDIENCE = CLEARLIFT.audience
ALL = Selection()
LEDGER = (PostgresRefusals, "write")


def found(pipeline: Pipeline, **of: object) -> list[RefusedLine]:
    return pipeline.quarantine.refusals.lines(Selection(**of))  # type: ignore[arg-type]


def reasons(pipeline: Pipeline) -> dict[str, int]:
    return {row["reason"]: row["lines"] for row in pipeline.quarantine.refusals.summary()}


def correct(pipeline: Pipeline, batch: str, *lines: bytes, fewer: bool = False) -> Replayed:
    return pipeline.quarantine.correct(Selection(batch=batch), corrected(pipeline.folder.parent, *lines), fewer=fewer)


def test_open_lines_are_listed_by_reason_and_batch(pipeline: Pipeline) -> None:
    first = pipeline.land(line(1), b"bad", line(2, org_tag="zzzzzz"), b"worse")
    second = pipeline.land(line(3, org_tag="zzzzzz"))
    run = pipeline.ingested()

    def named(**of: str) -> list[tuple[str, int, str]]:
        return [(line.object_key, line.line, line.reason) for line in found(pipeline, **of)]

    bad = [(first, 2, "not_json"), (first, 4, "not_json")]
    assert named(reason="not_json") == bad
    assert named(batch=first) == sorted([*bad, (first, 3, "unknown_org_tag")])
    assert named(batch=run.batches[1].sha256[:12]) == [(second, 1, "unknown_org_tag")]
    assert named(batch="nowhere") == named(batch="%") == named(batch="_") == []
    assert len(named()) == 4


def test_lines_are_grouped_and_chosen_by_the_value_of_their_field(pipeline: Pipeline) -> None:
    pipeline.land(*(line(n, org_tag="newone") for n in range(3)), line(4, org_tag="someone@example.com"))
    pipeline.land(line(5, org_tag="newtwo"), line(6, user_id=7), line(7, user_id=8), b"bad")
    pipeline.ingested()
    counts = {
        (row["reason"], row["field"], row["value"]): (row["lines"], row["batches"])
        for row in pipeline.quarantine.refusals.summary()
    }
    assert counts == {
        ("unknown_org_tag", "org_tag", "newone"): (3, 1),
        ("unknown_org_tag", "org_tag", "newtwo"): (1, 1),
        ("unknown_org_tag", "org_tag", ""): (1, 1),
        ("wrong_type", "user_id", ""): (2, 1),
        ("not_json", "", ""): (1, 1),
    }, "no value that is personal, or that could be"
    assert [each.line for each in found(pipeline, field="org_tag", value="newone")] == [1, 2, 3]
    assert len(found(pipeline, field="user_id")) == 2


def test_of_many_values_the_less_frequent_are_one_row(pipeline: Pipeline) -> None:
    tags = [f"new{number:03}" for number in range(12)]
    pipeline.land(*(line(n, org_tag=tag) for n, tag in enumerate([*tags, tags[11]])))
    pipeline.ingested()
    summary = pipeline.quarantine.refusals.summary()
    assert {row["value"]: row["lines"] for row in summary} == {
        "new011": 2, "…": 2, **{f"new{number:03}": 1 for number in range(9)},
    }  # fmt: skip


def test_only_what_is_cured_lands_and_the_rest_stays_under_its_own_batch(pipeline: Pipeline) -> None:
    first = pipeline.land(line(1, org_tag="newone"), line(2), b"bad", line(3, org_tag="zzzzzz"))
    second = pipeline.land(line(4, org_tag="newone"), line(5, viewport_width="wide"))
    pipeline.ingested()
    before = {(each.object_key, each.line) for each in found(pipeline)}
    pipeline.orgs["newone"] = True

    done = pipeline.quarantine.replay(ALL)
    run = pipeline.ingested()

    assert (done.landed, done.closed, len(done.left)) == (2, 2, 3)
    assert [batch.object_key for batch in run.batches] == done.object_keys
    assert (run.total("received"), run.total("stored"), run.total("quarantined")) == (2, 2, 0)
    assert pipeline.event_ids() == ["event-1", "event-2", "event-4"]
    assert {(each.object_key, each.line) for each in found(pipeline)} == before - {(first, 1), (second, 1)}
    assert pipeline.ledger.unbalanced() == []
    nothing = pipeline.quarantine.replay(ALL)
    assert (nothing.object_keys, len(nothing.left)) == ([], 3)


def test_a_replay_is_traceable_both_ways(pipeline: Pipeline) -> None:
    key = pipeline.land(line(1, org_tag="newone"), b"bad")
    pipeline.ingested()
    pipeline.orgs["newone"] = True
    (landed,) = pipeline.quarantine.replay(ALL).object_keys

    (old,) = found(pipeline, state="closed")
    assert (old.object_key, old.line, old.replayed_at) == (key, 1, pipeline.now)
    assert folder_of(landed) == old.replayed_as, "the old line names the new batch"
    assert [(each.object_key, each.line) for each in found(pipeline, replay=folder_of(landed), state="closed")] == [
        (key, 1)
    ], "and the new batch its source"
    assert folder_of(key) is None


def test_lines_are_replayed_as_they_were_landed(pipeline: Pipeline) -> None:
    raw = line(1, org_tag="newone") + b"\r"
    pipeline.land(raw, line(2))
    pipeline.ingested()
    pipeline.orgs["newone"] = True

    (key,) = pipeline.quarantine.replay(ALL).object_keys
    assert gzip.decompress(pipeline.store.get(key)) == raw + b"\n"
    assert pipeline.quarantine.replay(ALL) == Replayed()


def test_corrected_lines_take_the_place_of_the_chosen_ones(pipeline: Pipeline) -> None:
    key = pipeline.land(line(1, viewport_width="wide"), line(2), b"bad")
    pipeline.ingested()

    with pytest.raises(CorrectionError, match="2 chosen, 1 given"):
        correct(pipeline, key, line(1, viewport_width=390), b"  ")
    assert reasons(pipeline) == {"wrong_type": 1, "not_json": 1}, "nothing landed and nothing was closed"
    assert pipeline.ingested().batches == []
    done = correct(pipeline, key, line(1, viewport_width=390), b"  ", fewer=True)
    pipeline.ingested()

    assert (done.landed, done.closed) == (1, 2)
    assert pipeline.event_ids() == ["event-1", "event-2"]
    assert reasons(pipeline) == {}


def test_a_correction_of_what_is_not_open_changes_nothing(pipeline: Pipeline) -> None:
    key = pipeline.land(line(1))
    pipeline.ingested()
    assert correct(pipeline, key, line(1)) == Replayed()


def test_a_batch_that_cannot_be_read_stays_open_until_it_is_corrected(pipeline: Pipeline) -> None:
    key = f"{pipeline.zone.hour_prefix(pipeline.now)}cut.ndjson.gz"
    pipeline.store.put(key, gzip.compress(line(1))[:-4])
    pipeline.ingested()
    done = pipeline.quarantine.replay(ALL)
    assert (done.object_keys, [batch.object_key for batch in done.whole]) == ([], [key])
    assert reasons(pipeline) == {"unreadable_batch": 1}
    assert correct(pipeline, key, line(1), line(2)).landed == 2
    pipeline.ingested()
    assert (pipeline.event_ids(), reasons(pipeline)) == (["event-1", "event-2"], {})


def test_a_name_of_several_batches_is_refused_and_lists_them(pipeline: Pipeline) -> None:
    for _ in range(40):
        pipeline.land(f"bad {_}".encode())
    run = pipeline.ingested()
    by_digit: dict[str, list[str]] = {}
    for batch in run.batches:
        by_digit.setdefault(batch.sha256[0], []).append(batch.sha256)
    digit, checksums = next((digit, sums) for digit, sums in by_digit.items() if len(sums) > 1)
    with pytest.raises(SeveralBatchesError, match=f"names {len(checksums)} batches") as raised:
        pipeline.quarantine.replay(Selection(batch=digit))
    assert min(checksums)[:16] in str(raised.value) or len(checksums) > 5
    with pytest.raises(SeveralBatchesError):
        correct(pipeline, digit, *[line(1)] * 40)
    assert reasons(pipeline) == {"not_json": 40}


@pytest.mark.parametrize("how", ["as they are", "corrected"])
@pytest.mark.parametrize("again", ["replay", "narrower", "nothing"])
def test_killed_at_any_effect_and_run_again_every_line_lands_once(pipeline: Pipeline, how: str, again: str) -> None:
    for number in range(1, 30):
        pipeline.reset()
        key = pipeline.land(line(1, org_tag="newone"), line(2), b'{"org_tag": "newone"}')
        pipeline.orgs["newone"] = False
        pipeline.ingested()
        pipeline.orgs["newone"] = True

        def replay(pipeline: Pipeline = pipeline, key: str = key) -> None:
            if how == "corrected":
                correct(pipeline, key, line(1), line(3))
            else:
                pipeline.quarantine.replay(ALL)

        try:
            with dying_at(number, LEDGER):
                replay()
            alive = True
        except Died:
            alive = False
        pipeline.ingested()
        pipeline.now += timedelta(hours=1)
        if again == "replay":
            replay()
        elif again == "narrower":
            pipeline.quarantine.replay(Selection(reason="inactive_org_tag"))
        pipeline.ingested()
        pipeline.quarantine.replay(ALL)
        pipeline.ingested()

        ids, open_lines = pipeline.event_ids(), reasons(pipeline)
        if how == "corrected" and (again == "replay" or alive or "event-3" in ids):
            assert (ids, open_lines) == (["event-1", "event-2", "event-3"], {})
            assert pipeline.ledger.totals()["received"] == 5, "each corrected line landed once"
        else:
            assert (ids, open_lines) == (["event-1", "event-2"], {"missing_field": 1})
            assert pipeline.ledger.totals()["received"] == 4, "each line landed once"
        assert pipeline.ledger.unbalanced() == []
        if alive:
            break
    assert number > 4


def test_what_was_closed_wrongly_is_opened_again_and_the_true_copy_is_taken(pipeline: Pipeline) -> None:
    key = f"{pipeline.zone.hour_prefix(pipeline.now)}cut.ndjson.gz"
    pipeline.store.put(key, gzip.compress(line(1))[:-4])
    other = pipeline.land(b"bad")
    pipeline.ingested()
    wrong = correct(pipeline, key, line(7, viewport_width="wide"), line(8))
    folder = folder_of(wrong.object_keys[0])
    assert folder is not None
    with pytest.raises(ReopenError, match=r"is not ingested yet\. Next: `clearlift run --no-sample`, then `clearlift"):
        pipeline.quarantine.reopen(key)
    pipeline.ingested()
    assert {each.object_key for each in found(pipeline)} == {other, wrong.object_keys[0]}

    opened = pipeline.quarantine.reopen(key)

    assert [(each.object_key, each.line) for each in opened] == [(key, 0)]
    assert {each.object_key for each in found(pipeline)} == {other, key}, "lines of the wrong copy do not wait"
    assert pipeline.quarantine.closed(key) == []
    correct(pipeline, key, line(1))
    pipeline.ingested()
    assert pipeline.event_ids() == ["event-1", "event-8"]
    assert reasons(pipeline) == {"not_json": 1}


@pytest.mark.parametrize("by", ["folder", "batch", "source", "checksum"])
def test_a_replay_is_opened_whole_by_any_of_its_names(pipeline: Pipeline, by: str) -> None:
    first = pipeline.land(b"bad")
    pipeline.land(b"worse", b"worst")
    pipeline.ingested()
    sha256 = found(pipeline, batch=first)[0].sha256
    done = pipeline.quarantine.correct(ALL, corrected(pipeline.folder.parent, *map(line, range(3))))
    pipeline.ingested()
    (batch,) = done.object_keys
    names = {"folder": str(folder_of(batch)), "batch": batch, "source": first, "checksum": sha256[:16]}
    assert len(pipeline.quarantine.reopen(names[by])) == 3
    assert reasons(pipeline) == {"not_json": 3}
    assert pipeline.quarantine.reopen(names[by]) == []
    assert pipeline.event_ids() == ["event-0", "event-1", "event-2"], "what was stored stays"


def test_lines_that_were_closed_before_replays_were_named_are_opened_by_their_batch(pipeline: Pipeline) -> None:
    key = pipeline.land(b"bad")
    pipeline.ingested()
    pipeline.postgres.execute("update ingest.quarantine set replayed_at = now()")
    assert [each.line for each in pipeline.quarantine.reopen(key)] == [1]
    assert reasons(pipeline) == {"not_json": 1}


def test_a_line_that_is_opened_and_replayed_again_as_it_is_is_judged_again(pipeline: Pipeline) -> None:
    """Its organisation is unknown once more when the first replay is ingested: it must not be lost as a double."""
    key = pipeline.land(line(1, org_tag="newone"))
    pipeline.ingested()
    pipeline.orgs["newone"] = True
    pipeline.quarantine.replay(ALL)
    del pipeline.orgs["newone"]
    pipeline.ingested()
    pipeline.quarantine.reopen(key)
    assert [each.object_key for each in found(pipeline)] == [key]
    pipeline.orgs["newone"] = True
    pipeline.quarantine.replay(ALL)
    pipeline.ingested()
    assert (pipeline.event_ids(), reasons(pipeline)) == (["event-1"], {})


def _as_they_are(pipeline: Pipeline) -> list[str]:
    pipeline.orgs["newone"] = True
    return pipeline.quarantine.replay(ALL).object_keys


def _corrected(pipeline: Pipeline) -> list[str]:
    return pipeline.quarantine.correct(ALL, corrected(pipeline.folder.parent, *map(line, range(6)))).object_keys


@pytest.mark.parametrize("replay", [_as_they_are, _corrected])
def test_more_lines_than_an_object_may_hold_land_in_several(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, replay: Callable[[Pipeline], list[str]]
) -> None:
    pipeline.land(*(line(n, org_tag="newone") for n in range(6)))
    pipeline.ingested()
    monkeypatch.setattr(pipeline, "zone", replace(pipeline.zone, largest_batch=5 * len(line(0))))

    assert len(replay(pipeline)) == 3
    pipeline.ingested()
    assert len(pipeline.event_ids()) == 6
    assert reasons(pipeline) == {}


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
    assert pipeline.quarantine.correct(ALL, corrected(pipeline.folder.parent, line(2))).closed == 1
    assert reasons(pipeline) == {}
    assert [row.line for row in PostgresRefusals(pipeline.postgres, "events", "other").lines(ALL)] == [2]
    pipeline.ledger.prepare(RunOutcome(str(UUID(int=1)), pipeline.now))
    ledger.settle(pipeline.table, pipeline.now)
    assert pipeline.postgres.fetch("select app from ingest.runs where state = 'prepared'") == [{"app": "clearlift"}]


def test_more_refused_lines_than_fit_are_judged_in_portions(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal, "MOST_REFUSED", 3)
    for n in range(3):
        pipeline.land(*(line(10 * n + m, org_tag="newone") for m in range(3)))
    pipeline.ingested()
    assert len(pipeline.quarantine.replay(Selection()).left) == 9

    pipeline.orgs["newone"] = True
    assert pipeline.quarantine.replay(Selection()).landed == 9
    assert pipeline.ingested().total("stored") == 9
