"""Damaged partitions made again: exactly the rows that were lost, once, or nothing at all."""

from collections.abc import Callable
from datetime import date
from unittest.mock import patch

import polars as pl
import pytest

from assets.apps.clearlift import APP
from assets.intake.refused_lines import Selection
from assets.recovery.rebuild import Choices, NotWholeError, Rebuild
from assets.rollups.follow import changed_hours
from resources.lake import FileInfo, LakeTable, PartitionKey, checksum
from tests.assets.archive.archive_stores import ArchiveStores
from tests.assets.damage import FEW_DAMAGES, Damage, changed_value, local
from tests.assets.event_pipeline import Killed, Pipeline, line
from tests.resources.lake.row_deletes import delete_rows
from tests.rooms import KEYS
from tests.tombstones import bury

DAY, ORG = date(2025, 10, 11), "a3f7c2"
ON_DAY = (1, 4, 7, 10, 13)


def engine(pipeline: Pipeline) -> Rebuild:
    return Rebuild(APP, pipeline.table, pipeline.store, pipeline.postgres, lambda: KEYS)


def filled(pipeline: Pipeline) -> None:
    """Two ingests of two organisations and three days, with doubles, refused lines and lines without consent."""
    pipeline.land(*(line(n) for n in range(9)), b"bad", line(4, page_title="other"), line(16, consent_analytics=False))
    pipeline.land(*(line(n, org_tag="b8e9d1") for n in range(9)), line(7, timestamp="2031-01-01T00:00:00Z"))
    pipeline.ingested()
    pipeline.land(line(1), line(10), line(13, new=[1]), line(19, viewport_width="wide"), packed=True)
    pipeline.ingested()


def of_day(pipeline: Pipeline) -> list[FileInfo]:
    found = [info for info in pipeline.table.files(tenants=[ORG]) if info.key == PartitionKey(ORG, DAY)]
    return sorted(found, key=lambda info: -info.rows)


@pytest.mark.parametrize("damage", [*FEW_DAMAGES, changed_value])
def test_a_damaged_file_is_made_again_from_the_landing_zone(pipeline: Pipeline, damage: Damage) -> None:
    filled(pipeline)
    before, files = pipeline.rows(), pipeline.files()
    hurt, whole = of_day(pipeline)
    damage(local(hurt.path))

    planned = engine(pipeline).run(DAY, ORG, dry_run=True)
    assert pipeline.files() == files
    done = engine(pipeline).run(DAY, ORG, dry_run=False)

    assert planned == done
    assert ([f.file_path for f in done.damaged], done.rows, done.origin) == ([hurt.path], hurt.rows, "landing zone")
    assert pipeline.rows() == before
    assert whole.path in pipeline.files()
    assert hurt.path not in pipeline.files()
    commit = list(pipeline.table.changes(None))[-1]
    assert commit.operation == "replace"
    assert {hour.date() for hour in changed_hours(pipeline.table, commit)} == {DAY}
    assert engine(pipeline).run(DAY, ORG, dry_run=False).damaged == ()


def test_all_files_of_a_compacted_day_are_made_again(pipeline: Pipeline) -> None:
    filled(pipeline)
    pipeline.compact()
    before = pipeline.rows()
    for info in of_day(pipeline):
        local(info.path).unlink()

    assert engine(pipeline).run(DAY, ORG, dry_run=False).rows == len(ON_DAY)
    assert pipeline.rows() == before


def test_lines_that_waited_for_the_rebuild_are_replayed_and_stored_once(pipeline: Pipeline) -> None:
    filled(pipeline)
    hurt, _ = of_day(pipeline)
    local(hurt.path).unlink()
    pipeline.land(line(1), line(22), line(2, org_tag="b8e9d1"))
    assert pipeline.ingested().total("quarantined") == 2

    engine(pipeline).run(DAY, ORG, dry_run=False)
    pipeline.quarantine.replay(Selection(reason="damaged_partition"))
    run = pipeline.ingested()

    assert (run.total("stored"), run.total("doubled")) == (1, 1)
    assert len(pipeline.event_ids()) == len(pipeline.rows()) == pipeline.ledger.totals()["stored"]


def _batch_gone(pipeline: Pipeline) -> None:
    pipeline.store.delete([next(iter(pipeline.store.list("landing"))).key])


def _batch_overwritten(pipeline: Pipeline) -> None:
    pipeline.store.put(next(iter(pipeline.store.list("landing"))).key, line(1) + b"\n" + line(400))


@pytest.mark.parametrize("lose", [_batch_gone, _batch_overwritten])
def test_what_cannot_be_made_whole_is_refused_and_left_as_it_is(
    pipeline: Pipeline, lose: Callable[[Pipeline], None]
) -> None:
    filled(pipeline)
    hurt, _ = of_day(pipeline)
    local(hurt.path).unlink()
    lose(pipeline)
    before = pipeline.files()

    with pytest.raises(NotWholeError, match=r"1 row found where 3 are missing \(1 batch is gone") as refused:
        engine(pipeline).run(DAY, ORG, dry_run=False)

    assert "archive: 0 rows found where 3 are missing (2025Q4 of it is not archived)" in refused.value.reason
    assert local(hurt.path).name in refused.value.next_step
    assert pipeline.files() == before


def test_rows_with_other_values_are_not_taken_for_those_that_were_lost(pipeline: Pipeline) -> None:
    pipeline.land(line(1), line(4))
    pipeline.ingested()
    (hurt,) = of_day(pipeline)
    local(hurt.path).unlink()
    (batch,) = pipeline.store.list("landing")
    content = line(1, page_title="never landed") + b"\n" + line(4) + b"\n"
    pipeline.store.put(batch.key, content)
    pipeline.postgres.execute("update ingest.batches set sha256 = encode(sha256(%(b)s), 'hex')", {"b": content})

    with pytest.raises(NotWholeError, match="of the 2 rows some have other values"):
        engine(pipeline).run(DAY, ORG, dry_run=False)


def test_rows_that_another_writer_deleted_from_a_whole_file_stay_deleted(pipeline: Pipeline) -> None:
    filled(pipeline)
    hurt, other = of_day(pipeline)
    delete_rows(pipeline.table, other.file, 0)
    before = pipeline.rows()
    local(hurt.path).unlink()

    done = engine(pipeline).run(DAY, ORG, dry_run=False)

    assert (done.rows, done.returned, done.proved) == (hurt.rows, 0, True)
    assert pipeline.rows() == before


def test_rows_that_another_writer_deleted_from_the_damaged_file_come_back_only_by_choice(pipeline: Pipeline) -> None:
    filled(pipeline)
    before = pipeline.rows()
    hurt, _ = of_day(pipeline)
    delete_rows(pipeline.table, hurt.file, 0)
    local(hurt.path).unlink()

    with pytest.raises(NotWholeError, match="one by one, and nobody knows which") as refused:
        engine(pipeline).run(DAY, ORG, dry_run=False, choices=Choices(give_up=True))
    assert "`clearlift lake rebuild --day 2025-10-11 --org a3f7c2 --with-deleted` takes" in refused.value.next_step
    done = engine(pipeline).run(DAY, ORG, dry_run=False, choices=Choices(with_deleted=True))

    assert (done.rows, done.returned, done.proved) == (hurt.rows, None, True)
    assert pipeline.rows() == before
    assert not any(info.has_deletes for info in pipeline.table.files())


def test_rows_that_another_writer_deleted_by_copying_stay_deleted_while_a_snapshot_shows_them(
    pipeline: Pipeline,
) -> None:
    filled(pipeline)
    hurt, other = of_day(pipeline)
    gone = pipeline.table.read([other]).collect()["event_id"][0]
    pipeline.table.load().delete(f"event_id = '{gone}'")
    left = pipeline.rows()
    local(hurt.path).unlink()

    planned = engine(pipeline).run(DAY, ORG, dry_run=True)
    assert (planned.rows, planned.returned, planned.proved) == (hurt.rows, 0, True)
    local(other.path).unlink()
    with pytest.raises(NotWholeError, match="landing zone: 4 rows found where 3 are missing") as refused:
        engine(pipeline).run(DAY, ORG, dry_run=False, choices=Choices(give_up=True))
    assert "--with-deleted` takes back rows that another writer deleted" in refused.value.next_step
    done = engine(pipeline).run(DAY, ORG, dry_run=False, choices=Choices(with_deleted=True))

    assert (done.rows, done.returned, done.given_up) == (hurt.rows + 1, 1, 0)
    assert gone in pipeline.event_ids()
    assert len(pipeline.rows()) == len(left) + 1


def test_rows_of_another_writer_that_are_nowhere_are_given_up_by_choice(pipeline: Pipeline) -> None:
    filled(pipeline)
    before = pipeline.rows()
    hurt, _ = of_day(pipeline)
    theirs = pipeline.table.read([hurt]).collect().with_columns(event_id=pl.lit("their ") + pl.col("event_id"))
    pipeline.table.load().append(theirs.to_arrow().cast(pipeline.table.spec.arrow_schema()))
    foreign = next(info for info in of_day(pipeline) if not pipeline.table.wrote(info.file))
    for info in (hurt, foreign):
        local(info.path).unlink()

    with pytest.raises(NotWholeError, match="landing zone: 3 rows found where 6 are missing") as refused:
        engine(pipeline).run(DAY, ORG, dry_run=False, choices=Choices(with_deleted=True))
    for step in ("`clearlift backup restore pipelines/lake --into copies`", "--org a3f7c2 --give-up` takes what is"):
        assert step in refused.value.next_step
    done = engine(pipeline).run(DAY, ORG, dry_run=False, choices=Choices(give_up=True))

    assert (done.rows, done.given_up, done.returned, done.proved) == (3, 3, 0, False)
    assert pipeline.rows() == before


def test_a_file_of_which_nothing_is_found_is_given_up_without_one_in_its_place(pipeline: Pipeline) -> None:
    filled(pipeline)
    hurt, whole = of_day(pipeline)
    local(hurt.path).unlink()
    for batch in pipeline.store.list("landing"):
        pipeline.store.delete([batch.key])

    done = engine(pipeline).run(DAY, ORG, dry_run=False, choices=Choices(give_up=True))

    assert (done.rows, done.given_up) == (0, hurt.rows)
    assert [info.path for info in of_day(pipeline)] == [whole.path]


def test_a_file_of_a_release_with_another_hash_is_proved_by_its_number_of_rows(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(pipeline)
    before = pipeline.rows()
    hurt, _ = of_day(pipeline)
    local(hurt.path).unlink()
    monkeypatch.setattr(checksum, "_mark", lambda columns: "0" * 8)

    assert engine(pipeline).run(DAY, ORG, dry_run=False).rows == hurt.rows
    assert pipeline.rows() == before


def test_rows_of_people_who_were_erased_do_not_come_back(pipeline: Pipeline) -> None:
    pipeline.land(line(1, user_id="erased"), line(4, user_id="kept"))
    pipeline.ingested()
    subject, _ = next(s for s in APP.holding("lake", "clearlift.events").subjects if s[1] == "user_id")
    bury(pipeline.postgres, APP.name, (subject, "erased"))
    (hurt,) = of_day(pipeline)
    local(hurt.path).unlink()

    with pytest.raises(NotWholeError, match="landing zone: 1 row found where 2 are missing"):
        engine(pipeline).run(DAY, ORG, dry_run=False)


@pytest.mark.parametrize("dies", ["write", "replace"])
def test_a_killed_rebuild_is_simply_run_again(pipeline: Pipeline, dies: str) -> None:
    filled(pipeline)
    before = pipeline.rows()
    hurt, _ = of_day(pipeline)
    local(hurt.path).unlink()
    real = getattr(LakeTable, dies)

    def last_call(self: LakeTable, *args: object, **named: object) -> None:
        real(self, *args, **named)
        raise Killed(dies)

    with patch.object(LakeTable, dies, last_call), pytest.raises(Killed):
        engine(pipeline).run(DAY, ORG, dry_run=False)
    engine(pipeline).run(DAY, ORG, dry_run=False)

    assert pipeline.rows() == before


def test_a_file_that_was_merged_meanwhile_is_not_made_again(pipeline: Pipeline) -> None:
    filled(pipeline)
    before = pipeline.rows()
    hurt, _ = of_day(pipeline)
    path, whole = local(hurt.path), local(hurt.path).read_bytes()
    path.unlink()
    real = LakeTable.replace

    def overtaken(self: LakeTable, *args: object, **named: object) -> int:
        with patch.object(LakeTable, "replace", real):
            path.write_bytes(whole)
            pipeline.compact()
        return real(self, *args, **named)  # type: ignore[arg-type]

    with patch.object(LakeTable, "replace", overtaken), pytest.raises(NotWholeError, match="rewritten meanwhile"):
        engine(pipeline).run(DAY, ORG, dry_run=False)
    assert pipeline.rows() == before


def old_events(archive_stores: ArchiveStores) -> Rebuild:
    """Events of a quarter that is archived, of which nothing is in the landing zone."""
    archive_stores.happen(5)
    archive_stores.happen(4, day=2)
    archive_stores.happen(3, "b8e9d1")
    archive_stores.archive()
    return Rebuild(APP, archive_stores.events, archive_stores.store, archive_stores.postgres, lambda: KEYS)


@pytest.mark.parametrize("damage", FEW_DAMAGES)
def test_what_is_no_longer_in_the_landing_zone_comes_from_the_archive(
    archive_stores: ArchiveStores, damage: Damage
) -> None:
    rebuild, before = old_events(archive_stores), archive_stores.live()
    archive_stores.happen(2, "b8e9d1")
    late = archive_stores.live() - before
    (hurt,) = archive_stores.events.files(tenants=[ORG])[:1]
    damage(local(hurt.path))

    done = rebuild.run(hurt.key.day, ORG, dry_run=False)

    assert (done.rows, done.origin) == (hurt.rows, "archive")
    assert archive_stores.live() == before + late


def test_another_writers_file_comes_back_only_where_it_is_archived_as_it_was(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(5)
    rows = archive_stores.events.scan().collect()
    archive_stores.prune()
    archive_stores.events.load().append(rows.to_arrow().cast(archive_stores.events.spec.arrow_schema()))
    before = archive_stores.live()
    (hurt,) = archive_stores.events.files()
    whole = local(hurt.path).read_bytes()
    rebuild = Rebuild(APP, archive_stores.events, archive_stores.store, archive_stores.postgres, lambda: KEYS)
    local(hurt.path).unlink()
    with pytest.raises(NotWholeError, match="is not archived"):
        rebuild.run(hurt.key.day, ORG, dry_run=True)
    local(hurt.path).write_bytes(whole)
    archive_stores.archive()
    local(hurt.path).unlink()

    assert rebuild.run(hurt.key.day, ORG, dry_run=False).origin == "archive"
    assert archive_stores.live() == before
