"""Erasing people from the events: they are in no byte of the lake, and everybody else is there as before."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assets.apps.clearlift import APP
from assets.compaction.rewrite import Compaction
from assets.erasure import lake
from assets.privacy.identity import Erased, Identity
from assets.rollups.follow import follow, unfollowed
from resources.lake import LakeTable
from resources.lake.expiry import snapshots
from resources.lake.forget import KeptByReferenceError
from tests.assets.erasure.traces import traces
from tests.assets.event_pipeline import MERGE_ALL, Pipeline, line, written
from tests.rooms import TestRooms

ANNA, BEN = "user-anna-0001", "visitor-ben-0002"


def rooms(pipeline: Pipeline) -> TestRooms:
    return TestRooms(datetime.now(UTC), pipeline.postgres, pipeline.store, pipeline.lake)


def identity(*, user: str = ANNA, visitor: str = BEN, **of: Any) -> Identity:
    return Identity("request-1", APP.name, {"user": frozenset({user}), "visitor": frozenset({visitor})}, **of)


def erase(pipeline: Pipeline, *identities: Identity) -> Erased:
    eraser = lake.eraser(rooms(pipeline), APP)
    assert eraser is not None
    return eraser.erase(identities or [identity()])


def store(table: LakeTable, *lines: bytes) -> None:
    table.append(written(table, *lines), f"store {table.head()}")


def at(number: int, day: int = 10, **fields: Any) -> bytes:
    return line(number, timestamp=f"2025-10-{day}T08:{number % 60:02}:00Z", event_id=f"event-{number}", **fields)


def ids(table: LakeTable) -> list[str]:
    return sorted(table.scan().select("event_id").collect()["event_id"])


def test_only_files_that_hold_somebody_are_rewritten(pipeline: Pipeline) -> None:
    table = pipeline.table
    store(table, at(1, user_id=ANNA), at(2), at(3, anonymous_id=BEN))
    store(table, at(4, 11))
    store(table, at(5, 12, user_id=ANNA))
    before, rows = pipeline.files(), pipeline.rows()

    done = erase(pipeline)

    assert ids(table) == ["event-2", "event-4"]
    assert not pipeline.rows() - rows
    assert len(pipeline.files() & before) == 1
    assert (done.place, done.rows, done.gone_by) == ("lake clearlift.events", 3, None)
    assert done.written == sum(info.bytes for info in table.files() if info.path not in before)
    assert traces(pipeline.folder, ANNA, BEN) == []
    assert erase(pipeline) == Erased("lake clearlift.events")


def test_what_others_say_of_somebody_is_emptied(pipeline: Pipeline) -> None:
    table = pipeline.table
    store(
        table,
        at(
            1,
            referrer=f"https://shop.example/?u={ANNA}",
            page_url=f"https://shop.example/?next=%2Fp%3D{ANNA}",
            gclid="c",
        ),
        at(2, event_data=f'{{"seen": "{ANNA}"}}', page_path=f"/people/{ANNA}0"),
    )

    assert erase(pipeline).rows == 0

    first, second = table.scan().sort("event_id").collect().iter_rows(named=True)
    assert (first["referrer"], first["gclid"]) == (None, "c")
    assert first["page_url"].startswith("erased-")
    assert (second["event_data"], second["page_path"]) == (None, f"/people/{ANNA}0")
    assert traces(pipeline.folder, f'{ANNA}"') == []
    assert erase(pipeline).objects == 0


def test_old_snapshots_and_orphans_go_at_once(pipeline: Pipeline) -> None:
    table = pipeline.table
    for number in range(3):
        store(table, at(number, user_id=ANNA), at(number + 10))
    Compaction(table, MERGE_ALL).run()
    written(table, at(20, user_id=ANNA), at(21))
    table.drop({info.key: [info.file] for info in table.files()}, "prune")

    done = erase(pipeline)

    assert (done.rows, done.objects, table.files()) == (0, 5, [])
    assert traces(pipeline.folder, ANNA) == []
    assert len(snapshots(table)) == 1


def test_a_branch_or_tag_that_keeps_somebody_is_named(pipeline: Pipeline) -> None:
    table = pipeline.table
    store(table, at(1, user_id=ANNA), at(2))
    live = table.load()
    live.manage_snapshots().create_tag(live.metadata.current_snapshot_id or 0, "quarter-end").commit()
    before = table.head()

    with pytest.raises(KeptByReferenceError, match=r"tag quarter-end of clearlift\.events"):
        erase(pipeline)

    assert table.head() == before
    table.load().manage_snapshots().remove_tag("quarter-end").commit()
    assert erase(pipeline).rows == 1
    assert traces(pipeline.folder, ANNA) == []


def test_no_day_is_counted_again(pipeline: Pipeline) -> None:
    table, postgres = pipeline.table, pipeline.postgres
    store(table, at(1, user_id=ANNA), at(2))
    follow(APP, table, postgres, lambda: pipeline.now)
    before = postgres.fetch("select * from rollups.windows order by grain, window_start")

    erase(pipeline)

    assert unfollowed(APP, table, postgres) == 0
    assert postgres.fetch("select * from rollups.windows order by grain, window_start") == before


def test_commits_that_were_not_followed_are_before_they_expire(pipeline: Pipeline) -> None:
    table = pipeline.table
    store(table, at(1, user_id=ANNA), at(2))

    erase(pipeline)

    (window,) = pipeline.postgres.fetch("select window_start, wanted from rollups.windows where grain = 'daily'")
    assert window["window_start"] == datetime(2025, 10, 10, tzinfo=UTC)


def test_an_organisation_goes_with_all_partitions(pipeline: Pipeline) -> None:
    store(pipeline.table, at(1), at(2, org_tag="b8e9d1"), at(3, 11, org_tag="b8e9d1"))

    done = erase(pipeline, Identity("r", APP.name, {}, organisation=frozenset({"b8e9d1", "org-id"})))

    assert (ids(pipeline.table), done.rows, done.written) == (["event-1"], 2, 0)
    assert traces(pipeline.folder, "b8e9d1") == []


def test_several_people_share_a_rewrite(pipeline: Pipeline) -> None:
    store(pipeline.table, at(1, user_id=ANNA), at(2, user_id="user-carl-0003"), at(3))
    before = pipeline.snapshots()

    done = erase(
        pipeline, identity(), identity(user="user-carl-0003"), Identity("r", "sesh", {"user": frozenset({"3"})})
    )

    assert (done.rows, ids(pipeline.table)) == (2, ["event-3"])
    assert pipeline.table.history().newest == before + 2


def test_a_short_id_is_no_reason_to_empty_what_others_say(pipeline: Pipeline) -> None:
    store(pipeline.table, at(1, user_id="en"), at(2, page_title="en", utm_campaign="en"), at(3, user_id="ben"))

    erase(pipeline, identity(user="en"))

    assert ids(pipeline.table) == ["event-2", "event-3"]
    assert Counter(pipeline.table.scan().collect()["utm_campaign"])["en"] == 1


def test_how_many_events_went_is_noted_by_day(pipeline: Pipeline) -> None:
    store(pipeline.table, at(1, user_id=ANNA), at(2, user_id=ANNA), at(3), at(4, 11, anonymous_id=BEN))

    erase(pipeline)

    noted = pipeline.postgres.fetch("select place, rows from retention.deletions where why = 'erased' order by place")
    assert [(row["place"], row["rows"]) for row in noted] == [("a3f7c2 2025-10-10", 2), ("a3f7c2 2025-10-11", 1)]


def test_what_another_engine_may_commit_is_left_and_named(pipeline: Pipeline) -> None:
    table = pipeline.table
    store(table, at(1))
    (orphan,) = written(table, at(2, user_id=ANNA))
    path = pipeline.folder / orphan.file_path.partition(f"{pipeline.folder.name}/")[2]
    foreign = path.rename(path.with_name("part-00000.parquet"))

    with pytest.raises(lake.StillWrittenError, match="part-00000"):
        erase(pipeline)

    assert foreign.exists()
    rooms_later = rooms(pipeline)
    rooms_later.now += timedelta(hours=3)
    eraser = lake.eraser(rooms_later, APP)
    assert eraser is not None
    assert eraser.erase([identity()]).objects == 1
    assert not foreign.exists()
