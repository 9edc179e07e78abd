"""Erasing people from what landed and what was refused: nothing is taken twice, and each line keeps its number."""

import gzip
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest

from assets.apps.clearlift import APP
from assets.erasure import landing, quarantine
from assets.erasure.ledgers import PostgresLedger
from assets.intake.refused_lines import Selection
from assets.privacy.identity import Erased, Identity
from tests.assets.erasure.calls import Killed, dying_at
from tests.assets.erasure.traces import traces
from tests.assets.event_pipeline import Pipeline, line
from tests.rooms import TestRooms

ANNA = "user-anna-0001"


def erase(pipeline: Pipeline, user: str = ANNA, **of: Any) -> tuple[Erased, Erased]:
    rooms = TestRooms(datetime.now(UTC), pipeline.postgres, pipeline.store, pipeline.lake)
    landed, refused = landing.eraser(rooms, APP), quarantine.eraser(rooms, APP)
    assert landed is not None
    assert refused is not None
    identities = [Identity("request-1", APP.name, {"user": frozenset({user})}, **of)]
    return landed.erase(identities), refused.erase(identities)


def batches(pipeline: Pipeline) -> list[dict[str, Any]]:
    statement = "select object_key, etag, sha256, received, stored, doubled, quarantined from ingest.batches order by 1"
    return pipeline.postgres.fetch(statement)


def lines(pipeline: Pipeline, key: str) -> list[bytes]:
    data = pipeline.store.get(key)
    return (gzip.decompress(data) if key.endswith(".gz") else data).split(b"\n")


@pytest.mark.parametrize("packed", [False, True])
def test_a_line_goes_and_the_batch_is_not_taken_again(pipeline: Pipeline, packed: bool) -> None:
    own = [line(1), line(2, user_id=ANNA), line(3)]
    key, other = pipeline.land(*own, packed=packed), pipeline.land(line(4))
    pipeline.ingested()
    before, counted = pipeline.store.head(other), batches(pipeline)

    done, _ = erase(pipeline)

    assert (done.place, done.rows, done.objects) == ("landing", 1, 1)
    assert lines(pipeline, key) == [own[0], b"", own[2], b""]
    assert pipeline.store.head(other) == before
    assert pipeline.ingested(sweep=True).batches == []
    counts = ("object_key", "received", "stored", "doubled", "quarantined")
    assert [[b[c] for c in counts] for b in batches(pipeline)] == [[b[c] for c in counts] for b in counted]
    assert pipeline.ledger.unbalanced() == []
    assert traces(pipeline.folder / "landing", ANNA) == []
    assert erase(pipeline) == (Erased("landing"), Erased("quarantine"))


def test_refused_lines_move_with_their_batch(pipeline: Pipeline) -> None:
    pipeline.land(line(1, user_id=ANNA), line(2, org_tag="nobody", user_id=ANNA), line(3, org_tag="nobody"), b"{]")
    pipeline.ingested()
    refused = pipeline.refused()

    done, _ = erase(pipeline)

    assert done.rows == 2
    assert pipeline.refused() == {found: n for found, n in refused.items() if ANNA.encode() not in found[2]}
    assert [line.line for line in pipeline.quarantine.refusals.lines(Selection())] == [3, 4]
    assert traces(pipeline.folder / "landing", ANNA) == traces(pipeline.folder / "quarantine", ANNA) == []
    pipeline.orgs["nobody"] = True
    assert pipeline.quarantine.replay(Selection(reason="unknown_org_tag")).landed == 1
    assert pipeline.ingested().total("stored") == 1


def test_refused_lines_whose_batch_is_gone_go_too(pipeline: Pipeline) -> None:
    key = pipeline.land(
        line(2, org_tag="nobody", user_id=ANNA), b'{"user_id": "' + ANNA.encode() + b'", ', line(3, org_tag="x")
    )
    pipeline.ingested()
    pipeline.store.delete(key)

    done = erase(pipeline)[1]

    assert (done.place, done.rows, done.objects) == ("quarantine", 2, 1)
    assert [line.line for line in pipeline.quarantine.refusals.lines(Selection())] == [3]
    assert traces(pipeline.folder / "quarantine", ANNA) == []


def test_what_others_say_of_somebody_is_emptied(pipeline: Pipeline) -> None:
    escaped = line(2, page_title=ANNA, event_data="{}").replace(b"user-anna", rb"\u0075ser-anna")
    key = pipeline.land(line(1, referrer=f"https://shop.example/{ANNA}"), escaped, b'["' + ANNA.encode() + b'"]')

    done, _ = erase(pipeline)

    assert done.rows == 1
    first, second, gone, _ = lines(pipeline, key)
    assert b'"referrer":null' in first
    assert b'"page_title":"erased-' in second
    assert gone == b""
    assert pipeline.ingested().total("stored") == 2


def test_an_object_of_one_person_goes(pipeline: Pipeline) -> None:
    key = pipeline.land(line(1, user_id=ANNA), line(2, user_id=ANNA))
    pipeline.ingested()

    done, _ = erase(pipeline)

    assert (done.rows, done.written) == (2, 0)
    assert not pipeline.store.exists(key)
    assert pipeline.ingested(sweep=True).batches == []


def test_an_object_that_is_called_after_somebody_is_renamed(pipeline: Pipeline) -> None:
    key = pipeline.land(line(1), name=f"of-{ANNA}-1")
    pipeline.ingested()

    erase(pipeline)

    (batch,) = batches(pipeline)
    assert batch["object_key"].startswith(f"{key.rpartition('/')[0]}/erased-")
    assert lines(pipeline, batch["object_key"]) == [line(1), b""]
    assert pipeline.ingested(sweep=True).batches == []
    assert traces(pipeline.folder / "landing", ANNA) == []


def test_what_could_not_be_read_goes_where_it_names_somebody(pipeline: Pipeline) -> None:
    cut = gzip.compress(b"\n".join(line(n, user_id=ANNA) for n in range(200)))[:-20]
    own, other = line(1, user_id=ANNA), line(2)
    for name, content in {
        "cut": cut,
        "array": b"[" + own + b"," + other + b"]",
        "other": gzip.compress(other)[:-9],
    }.items():
        pipeline.store.put(f"{pipeline.zone.hour_prefix(pipeline.now)}{name}.ndjson", content)
    pipeline.ingested()
    assert len(pipeline.quarantine.refusals.lines(Selection())) == 3

    erase(pipeline)

    left = pipeline.quarantine.refusals.lines(Selection())
    assert {each.object_key.rpartition("/")[2] for each in left} == {"array.ndjson", "other.ndjson"}
    (array,) = (b"".join(pipeline.quarantine.whole(each.batch)) for each in left if "array" in each.object_key)
    assert array == b"[" + other + b"]"
    assert pipeline.ingested(sweep=True).batches == []


def test_an_organisation_goes(pipeline: Pipeline) -> None:
    key = pipeline.land(line(1), line(2, org_tag="b8e9d1"))

    done, _ = erase(pipeline, "", organisation=frozenset({"b8e9d1"}))

    assert (done.rows, lines(pipeline, key)) == (1, [line(1), b"", b""])


@pytest.mark.parametrize("call", ["put", "replace", "delete", "ledger"])
# Before a call is after the one before it, so that the long-running tests alone try it.
@pytest.mark.parametrize("moment", [pytest.param("before", marks=pytest.mark.soak), "after"])
def test_a_killed_run_is_finished_by_the_next(pipeline: Pipeline, call: str, moment: str) -> None:
    refused = line(2, org_tag="nobody", user_id=ANNA), line(3, org_tag="nobody")
    keys = [pipeline.land(line(n), *refused, line(n + 10, user_id=ANNA), b"{") for n in (1, 5)]
    pipeline.ingested()
    events, open_lines = pipeline.rows(), pipeline.refused()
    owner, name = (PostgresLedger, "write_again") if call == "ledger" else (pipeline.store, call)

    for number in (1, 2, 4):
        with suppress(Killed), dying_at(owner, name, number, moment):
            erase(pipeline)
            break
        pipeline.ingested(sweep=True)

    assert erase(pipeline) == (Erased("landing"), Erased("quarantine"))
    assert pipeline.rows() == events
    assert [lines(pipeline, key)[1:] for key in keys] == [[b"", refused[1], b"", b"{", b""]] * 2
    assert pipeline.refused() == {found: n for found, n in open_lines.items() if ANNA.encode() not in found[2]}
    assert traces(pipeline.folder / "landing", ANNA) == traces(pipeline.folder / "quarantine", ANNA) == []
    assert pipeline.ledger.unbalanced() == []
