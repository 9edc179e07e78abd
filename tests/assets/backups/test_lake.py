"""Backups of the lake: what a set holds, what later sets take over, and what comes back, where, and without whom."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock

import polars as pl
import pytest
from pyiceberg.table import Table

from assets.backups.lake import LOOKS, DamagedLakeError
from assets.backups.lake_copies import Copies
from assets.backups.method import NotRestorableError, OccupiedError, Scope
from assets.backups.parts import DamagedSetError, Draft
from assets.backups.removal import rotate
from assets.backups.rotation import RotationPolicy
from assets.backups.sets import find
from assets.backups.verify import Verification
from assets.privacy.tombstones import Tombstones
from resources.lake.sweep import survey
from tests.assets.backups.lake_side import STORE, LakeSide, lake_side, rows
from tests.assets.upkeep.memory_lake import DAYS, ORGS, VISITS, now
from tests.resources.lake.engines import by_chdb
from tests.resources.lake.row_deletes import delete_rows

LATER = timedelta(hours=1)


@pytest.fixture
def side(tmp_path: Path) -> Iterator[LakeSide]:
    with lake_side(tmp_path) as found:
        yield found


def filled(side: LakeSide) -> None:
    """Two days of two organisations, merged, with a deleted row."""
    visits = side.visits
    for org in ORGS:
        for day in DAYS:
            for _ in range(2):
                visits.append(visits.visits("ann", "bob", org=org, day=day))
    visits.compact()
    delete_rows(visits.table, visits.table.files()[0].file, 0)


def test_a_set_comes_back_in_a_folder_of_its_own(side: LakeSide) -> None:
    filled(side)
    made = side.backup()
    expected = side.visits.rows()
    side.visits.append(side.visits.visits("later"))

    done = side.restored(side.place("beside"))

    assert rows(side.place("beside")) == expected
    assert (done.tables, done.moment, done.erased) == (made.tables, made.moment, 0)
    assert made.tables[0].rows == len(expected) == 15
    # One that was killed at its end has left the same.
    assert side.restored(side.place("beside")).tables == done.tables
    assert rows(side.place("beside")) == expected
    side.backup()
    with pytest.raises(OccupiedError, match="in another state"):
        side.restored(side.place("beside"))
    assert not side.method.is_empty(side.place("beside"))
    assert side.method.is_empty(side.place("new"))


def test_each_file_is_copied_once_and_stays_while_a_set_needs_it(side: LakeSide) -> None:
    filled(side)
    first = side.backup()
    side.visits.append(side.visits.visits("cid"))
    second = side.backup()
    assert not first.base
    assert not second.base
    assert {part.set_id for part in second.parts} == {"", first.id}
    new = [part for part in second.parts if not part.set_id]
    assert sorted(part.file.rpartition(".")[2] for part in new) == ["avro", "avro", "json", "parquet"]
    assert {part.file for part in first.parts} - {part.file for part in second.parts} == {
        part.file for part in first.parts if part.file.endswith(".json")
    }

    side.visits.compact()
    side.visits.expire(now() + LATER)
    third = side.backup()
    expected = side.visits.rows()
    policy = RotationPolicy(days=1, weeks=0, months=0)
    assert set(rotate(side.at, STORE, policy, now()).dropped) == {first.id, second.id}
    after = rotate(side.at, STORE, policy, now() + timedelta(days=2))
    assert after.removed > 0
    assert {part.set_id for part in third.parts} >= {"", first.id}
    side.restored(side.place("beside"))
    assert rows(side.place("beside")) == expected
    assert len(list((side.folder / "backups").rglob("part-*"))) == len(third.parts)


def test_a_file_of_a_set_that_is_damaged_is_copied_again(side: LakeSide) -> None:
    filled(side)
    first = side.backup()
    Path(side.folder / "backups", side.at.key(STORE, first.id, first.parts[0].name)).write_bytes(b"rot")
    assert Verification(side.at, find(side.at, STORE), now()).run()[0].faults
    second = side.backup()
    assert {part.set_id for part in second.parts} == {""}
    side.restored(side.place("beside"))


def test_any_moment_that_the_kept_snapshots_reach_comes_back(side: LakeSide) -> None:
    states: list[tuple[datetime, list[tuple[str, str]]]] = []
    sets = []
    for number in range(6):
        side.visits.append(side.visits.visits(f"visitor {number}"))
        states.append((now(), side.visits.rows()))
        if number in (2, 5):
            sets.append(side.backup())
    for number, (moment, expected) in enumerate(states):
        done = side.restored(side.place(f"as of {number}"), Scope(at=moment))
        assert rows(side.place(f"as of {number}")) == expected
        assert done.moment == moment
    done = side.restored(side.place("by position"), Scope(at=sets[0].until))
    assert rows(side.place("by position")) == states[2][1]
    with pytest.raises(NotRestorableError, match="no backup of pipelines/lake as old as"):
        side.method.chain(find(side.at, STORE), states[0][0] - LATER)
    with pytest.raises(NotRestorableError, match="no backup of pipelines/lake has the position 7"):
        side.method.chain(find(side.at, STORE), "7")


def test_the_live_table_comes_back_from_nothing_and_another_engine_reads_it(side: LakeSide, tmp_path: Path) -> None:
    filled(side)
    side.backup()
    expected = side.visits.rows()
    side.lake.catalog.drop_table(VISITS.identifier)
    (tmp_path / "r2").rename(tmp_path / "lost")

    side.restored(side.live, Scope(live=True))

    assert side.visits.rows() == expected
    assert survey(side.visits.table, now()).missing == ()
    metadata = side.visits.table.load().metadata_location
    assert sorted(by_chdb(metadata, ("visit", "visitor"))) == expected


def test_the_live_table_goes_back_to_a_set_and_its_damaged_files_are_whole_again(side: LakeSide) -> None:
    filled(side)
    side.backup()
    expected = side.visits.rows()
    damaged = Path(side.visits.table.files()[0].path.removeprefix("file://"))
    damaged.write_bytes(damaged.read_bytes()[:-1])
    side.visits.append(side.visits.visits("later"))

    side.restored(side.live, Scope(live=True))
    assert side.visits.rows() == expected
    side.restored(side.live, Scope(live=True))
    assert side.visits.rows() == expected


def test_a_live_lake_in_another_account_takes_the_files_over(side: LakeSide, tmp_path: Path) -> None:
    filled(side)
    side.backup()
    expected = side.visits.rows()
    with lake_side(tmp_path / "other") as other:
        (tmp_path / "r2").rename(tmp_path / "lost")
        there = replace(other, at=side.at)
        there.restored(there.live, Scope(live=True))
        assert there.visits.rows() == expected
        there.visits.append(there.visits.visits("new"))
        assert survey(there.visits.table, now()).missing == ()
        assert str(tmp_path / "r2") not in there.visits.table.load().metadata.model_dump_json()


def test_commits_after_a_restore_have_numbers_above_those_that_are_gone(side: LakeSide) -> None:
    filled(side)
    side.backup()
    for _ in range(3):
        side.visits.append(side.visits.visits("later"))
    gone = side.visits.table.history().newest

    side.restored(side.live, Scope(live=True))

    assert side.visits.table.history().newest < gone
    assert side.visits.table.renumbered().newest == gone + 1
    side.restored(side.live, Scope(live=True))
    side.visits.append(side.visits.visits("new"))
    assert side.visits.table.history().newest == gone + 2


def test_a_damaged_set_leaves_the_live_table_alone(side: LakeSide) -> None:
    filled(side)
    made = side.backup()
    side.visits.append(side.visits.visits("later"))
    before = side.visits.table.load().metadata_location
    for part in (made.parts[0], made.parts[-1]):
        path = Path(side.folder / "backups", side.at.key(STORE, made.id, part.name))
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(DamagedSetError, match=part.name):
            side.restored(side.live, Scope(live=True))
        assert side.visits.table.load().metadata_location == before
        path.write_bytes(whole)


def test_who_was_erased_does_not_come_back_in_any_file(side: LakeSide) -> None:
    filled(side)
    side.visits.table.load().manage_snapshots().create_tag(side.visits.table.head()[0] or 0, "audit").commit()
    side.visits.append(side.visits.visits("ann"))
    side.backup()
    gone = Scope(erased=Tombstones.of(("visitor", "ann")))
    expected = [row for row in side.visits.rows() if row[1] != "ann"]

    done = side.restored(side.place("beside"), gone)

    assert rows(side.place("beside")) == expected
    assert done.erased == len(side.visits.rows()) - len(expected)
    assert not any(b"ann" in path.read_bytes() for path in (side.folder / "beside").rglob("*.parquet"))
    with side.place("beside")() as there:
        assert len(there.lake.table(VISITS).load().metadata.snapshots) == 1


def test_an_erased_organisation_does_not_come_back_where_nobody_else_was_erased(side: LakeSide) -> None:
    side.visits.append(side.visits.visits("ann", "bob"))
    side.visits.append(side.visits.visits("cid", org=ORGS[1]))
    side.backup()
    expected = [row for row in side.visits.rows() if row[1] != "cid"]

    done = side.restored(side.place("beside"), Scope(erased=Tombstones.of(("organisation", ORGS[1]))))

    assert rows(side.place("beside")) == expected
    assert done.erased == 1
    assert not any(b"cid" in path.read_bytes() for path in (side.folder / "beside").rglob("*.parquet"))


def test_a_text_of_somebody_else_no_longer_names_who_was_erased_and_no_other_text_changes(side: LakeSide) -> None:
    texts = ("seen/annabel/1", "annabel-lee", "seen/annabelle/1", "an ä text", "")
    of_bob = side.visits.visits(*["bob"] * len(texts)).with_columns(visit=pl.Series(texts))
    side.visits.append(pl.concat([of_bob, side.visits.visits("annabel", "cid")]))
    side.visits.append(side.visits.visits("bob", org=ORGS[1]))
    before = side.visits.rows()
    untouched = {Path(file.path).name for file in side.visits.table.files() if file.key.tenant == ORGS[1]}
    side.backup()

    done = side.restored(side.place("beside"), Scope(erased=Tombstones.of(("visitor", "annabel"))))

    after = rows(side.place("beside"))
    named = {"seen/annabel/1"}
    assert sorted(row for row in before if row[1] != "annabel" and row[0] not in named) == [
        row for row in after if not row[0].startswith("erased-")
    ]
    assert [row[1] for row in after if row[0].startswith("erased-")] == ["bob"]
    assert done.erased == 1
    with side.place("beside")() as there:
        assert untouched <= {Path(file.path).name for file in there.lake.table(VISITS).files()}


def test_single_people_and_unknown_tables_are_refused(side: LakeSide) -> None:
    filled(side)
    side.backup()
    chain = side.method.chain(find(side.at, STORE), None)
    for scope, said in (
        (Scope(owners=("a3f7c2",)), "single organisations"),
        (Scope(tables=("site.visit",)), "holds no table"),
    ):
        with pytest.raises(NotRestorableError, match=said):
            side.restored(side.place("a"), scope)
        with pytest.raises(NotRestorableError, match=said):
            side.method.preview(side.at, chain, scope)
    assert side.method.preview(side.at, chain, Scope(tables=("site.visits",))) == chain[0].tables
    side.restored(side.place("a"), Scope(tables=("site.visits",)))
    (side.folder / "b").mkdir()
    (side.folder / "b" / "note.txt").write_text("mine")
    with pytest.raises(OccupiedError, match="holds something else"):
        side.place("b")


def test_a_file_that_is_not_there_makes_no_set(side: LakeSide) -> None:
    filled(side)
    Path(side.visits.table.files()[0].path.removeprefix("file://")).unlink()
    with pytest.raises(DamagedLakeError, match="names a file that is not there"):
        side.backup()
    assert find(side.at, STORE).complete == ()


def test_an_empty_table_comes_back_empty(side: LakeSide) -> None:
    made = side.backup()
    assert (made.tables[0].rows, made.since) == (0, None)
    side.restored(side.place("beside"))
    assert rows(side.place("beside")) == []


def test_a_state_that_expires_while_it_is_copied_gives_way_to_the_next(
    side: LakeSide, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(side)
    read, interruptions, looks = Copies._read, Lock(), set[str]()

    def interrupted(copies: Copies, draft: Draft, table: Table, location: str) -> None:
        with interruptions:
            if len(looks) < LOOKS - 1 and table.metadata_location not in looks:
                looks.add(table.metadata_location)
                side.visits.append(side.visits.visits("beside"))
                side.visits.compact()
                side.visits.rewrite_manifests()
                side.visits.expire(now() + LATER)
                side.visits.sweep(now() + LATER)
        read(copies, draft, table, location)

    monkeypatch.setattr(Copies, "_read", interrupted)
    made = side.backup()

    side.restored(side.place("beside"))
    assert rows(side.place("beside")) == side.visits.rows()
    assert [one.notes for one in Verification(side.at, find(side.at, STORE), now()).run()] == [()]
    assert len(list((side.folder / "backups").rglob("part-*"))) == len(made.parts)


def test_a_restore_that_fails_leaves_no_folder_and_one_that_was_begun_before_stays(side: LakeSide) -> None:
    filled(side)
    made = side.backup()
    data = next(part for part in made.parts if part.file.endswith(".parquet"))
    path = Path(side.folder / "backups", side.at.key(STORE, made.id, data.name))
    whole = path.read_bytes()
    path.write_bytes(b"rot")
    with pytest.raises(DamagedSetError):
        side.restored(side.place("beside"))
    assert list((side.folder / "beside").iterdir()) == []
    path.write_bytes(whole)
    side.restored(side.place("beside"))
    path.write_bytes(b"rot")
    with pytest.raises(DamagedSetError):
        side.restored(side.place("beside"))
    assert rows(side.place("beside")) == side.visits.rows()
