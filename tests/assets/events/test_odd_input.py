"""What lands and is not as it should be: it is kept or refused as said, and one tenant never stops the others."""

import gzip
import tracemalloc
from collections import Counter
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import polars as pl
import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events.assets import _whole
from assets.events.ingest import pending
from assets.intake import refusal
from assets.intake.described import taken
from assets.intake.refused_lines import Selection
from resources.lake import LakeTable
from tests.assets.damage import DAMAGES, Damage, local
from tests.assets.event_pipeline import NOW, Pipeline, event, line

TAG = "日" * 64


def landed(pipeline: Pipeline, data: bytes, name: str = "odd") -> str:
    key = f"{pipeline.zone.hour_prefix(NOW)}{name}.ndjson.gz"
    pipeline.store.put(key, data)
    return key


@pytest.mark.parametrize(("rest", "refused"), [(b"\n", []), (b"garbage", [b"garbage"])])
def test_lines_before_what_follows_the_gzip_are_taken(pipeline: Pipeline, rest: bytes, refused: list[bytes]) -> None:
    landed(pipeline, gzip.compress(line(1) + b"\n" + line(2), mtime=0) + rest)

    (batch,) = pipeline.ingested().batches

    assert (batch.received, batch.stored) == (2 + len(refused), 2)
    assert pipeline.refused() == Counter(("not_json", "", raw) for raw in refused)


def test_a_json_array_is_one_refusal_that_says_so(pipeline: Pipeline) -> None:
    content = b"[\n" + b",\n".join([line(1), line(2)]) + b"\n]\n"
    landed(pipeline, content)
    pipeline.land(line(3))

    assert sorted(batch.received for batch in pipeline.ingested().batches) == [1, 1]
    assert pipeline.refused() == Counter({("unreadable_batch", "a JSON array; land one object a line", content): 1})
    assert pipeline.event_ids() == ["event-3"]


def test_a_batch_with_too_many_refused_lines_is_refused_as_a_whole(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refusal, "MOST_REFUSED", 4)
    monkeypatch.setattr("assets.events.ingest.CHUNK_BYTES", 2 * len(line(1)))
    pipeline.land(line(1), *[b"{"] * 4, line(2))
    bad = [line(3), *[b"{"] * 3, *[line(n) for n in range(4, 9)], *[b"{"] * 2]
    pipeline.land(*bad)
    pipeline.land(line(20))

    run = pipeline.ingested(group_bytes=1)

    assert [(b.received, b.stored, b.quarantined) for b in run.batches] == [(6, 2, 4), (1, 0, 1), (1, 1, 0)]
    assert pipeline.event_ids() == ["event-1", "event-2", "event-20"]
    whole = b"\n".join(bad) + b"\n"
    assert pipeline.refused() == Counter(
        {("not_json", "", b"{"): 4, ("unreadable_batch", "more than 4 lines are refused", whole): 1}
    )
    assert pipeline.ledger.unbalanced() == []
    assert pipeline.ingested().batches == []


def test_no_object_is_made_of_each_blank_line_of_a_batch(pipeline: Pipeline) -> None:
    """A megabyte of gzip holds a thousand million of them; here it is a part of that."""
    data = gzip.compress(b"\n" * 2**23 + line(1), 1, mtime=0)
    landed(pipeline, data)
    landed(pipeline, data, "with the same bytes")

    tracemalloc.start()
    run = pipeline.ingested()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 6 * 2**23
    assert [(b.received, b.stored, b.doubled) for b in run.batches] == [(1, 1, 0), (1, 0, 1)]


def test_the_same_id_with_another_payload_is_a_double_that_is_counted_apart(pipeline: Pipeline) -> None:
    pipeline.land(line(1), line(2), line(2, page_title="other"))
    pipeline.ingested()
    pipeline.land(line(1), line(2, page_title="third"), line(3))

    (batch,) = pipeline.ingested().batches

    assert (batch.stored, batch.doubled, batch.conflicting) == (1, 2, 1)
    assert pipeline.ledger.totals()["conflicting"] == 2
    assert pipeline.ledger.unbalanced() == []
    titles = pipeline.table.scan().filter(event_id="event-2").select("page_title").collect()["page_title"]
    assert titles.to_list() == [event(2)["page_title"]]


def test_an_organisation_whose_tag_is_too_long_for_a_folder_stops_nobody(pipeline: Pipeline) -> None:
    pipeline.orgs |= {TAG: True, TAG[:-1] + "月": True}
    pipeline.land(*(line(n, org_tag=tag) for n, tag in enumerate((TAG, TAG[:-1] + "月", "a3f7c2", TAG))))
    pipeline.ingested()
    pipeline.land(line(0, org_tag=TAG), line(5, org_tag=TAG))

    assert pipeline.ingested().total("doubled") == 1
    assert pipeline.compact() is not None
    assert pipeline.event_ids() == ["event-0", "event-1", "event-2", "event-3", "event-5"]
    assert pipeline.table.scan(tenants=[TAG]).select(pl.len()).collect().item() == 3


def test_a_clock_that_was_ahead_in_one_run_hides_no_later_batch(pipeline: Pipeline) -> None:
    pipeline.land(line(1))
    pipeline.now += timedelta(days=30)
    pipeline.ingested()
    pipeline.now -= timedelta(days=30)
    later = pipeline.land(line(2), at=NOW + timedelta(hours=1))

    assert [info.key for info in pending(CLEARLIFT, pipeline.store, pipeline.postgres)] == [later]
    pipeline.ingested()
    pipeline.land(line(3), at=NOW + timedelta(days=60))
    pipeline.ingested()
    last = pipeline.land(line(4), at=NOW + timedelta(hours=2))
    assert [info.key for info in pending(CLEARLIFT, pipeline.store, pipeline.postgres)] == [last]


@pytest.mark.parametrize("damage", DAMAGES)
def test_events_of_a_damaged_partition_wait_in_quarantine_and_all_others_are_stored(
    pipeline: Pipeline, damage: Damage
) -> None:
    pipeline.land(line(1), line(4), line(1, org_tag="b8e9d1"))
    pipeline.ingested()
    (hurt,) = (info for info in pipeline.table.files(tenants=["a3f7c2"]))
    path, whole = local(hurt.path), local(hurt.path).read_bytes()
    damage(path)
    mixed = (line(1), line(7), line(2), line(1, org_tag="b8e9d1"), line(4, org_tag="b8e9d1"), b"bad")
    pipeline.land(*mixed)

    run = pipeline.ingested()

    (batch,) = run.batches
    assert (batch.stored, batch.doubled, batch.quarantined) == (2, 1, 3)
    assert [path.name in text for text in run.damaged] == [True]
    assert "`clearlift lake rebuild --day 2025-10-11 --org a3f7c2`" in run.damaged[0]
    assert pipeline.refused() == Counter(
        {("damaged_partition", "", mixed[0]): 1, ("damaged_partition", "", mixed[1]): 1, ("not_json", "", b"bad"): 1}
    )
    assert pipeline.ledger.unbalanced() == []

    path.write_bytes(whole)
    pipeline.quarantine.replay(Selection(reason="damaged_partition"))
    assert pipeline.ingested().total("doubled") == 1
    assert pipeline.event_ids() == sorted(f"event-{n}" for n in (1, 4, 7, 2, 1, 4))


def test_the_damaged_files_are_counted(pipeline: Pipeline) -> None:
    for first in (1, 4, 7):
        pipeline.land(line(first))
        pipeline.ingested()
    for info in pipeline.table.files():
        local(info.path).unlink()
    pipeline.land(line(1), line(4), line(7), line(10))

    run = pipeline.ingested()

    assert (len(run.damaged), run.damaged_files) == (1, 3)
    metadata = _whole(run).metadata
    assert metadata["damaged"].value == 3


def test_a_store_that_cannot_be_reached_is_no_damage(pipeline: Pipeline) -> None:
    pipeline.land(line(1))
    pipeline.ingested()
    pipeline.land(line(1), line(4))

    def unreachable(self: LakeTable, files: Any) -> pl.LazyFrame:
        list(files)
        raise OSError("object-store error: Server returned 503 Service Unavailable")

    with patch.object(LakeTable, "read", unreachable), pytest.raises(OSError, match="503"):
        pipeline.ingested()
    assert pipeline.refused() == Counter()
    assert pipeline.ingested().total("doubled") == 1


def test_a_run_names_its_batches_and_the_command_that_shows_the_refused_lines_of_each(pipeline: Pipeline) -> None:
    pipeline.land(line(1))
    pipeline.land(line(4), b"{")
    refused, whole = taken(pipeline.ingested().batches, lambda batch: batch.object_key)
    assert (whole["lines"], whole["refused lines"]) == ("1: 1 stored, 0 doubled, 0 refused", "")
    assert refused["lines"] == "2: 1 stored, 0 doubled, 1 refused"
    (open_line,) = pipeline.quarantine.refusals.lines(Selection())
    assert refused["batch"] == open_line.object_key
    assert refused["refused lines"] == f"clearlift quarantine list --batch {open_line.sha256[:16]}"
