"""Damaged archives of every kind of table: repaired from copies, from their own parts, from live rows; nothing else."""

import itertools
from collections import Counter
from pathlib import Path

import pytest

from assets.archive.copies import Copies, in_store, on_disk
from assets.archive.parts import DamagedPartError
from assets.archive.registry import ArchiveRegistry
from assets.archive.repair import Repaired
from assets.archive.sealed import NotArchivedError
from resources.r2 import FolderObjectStore
from tests.assets.archive.archive_stores import QUARTER, ArchiveStores
from tests.assets.archive.checkpoint import Checkpoint
from tests.assets.archive.kinds import KINDS, Kind
from tests.assets.archive.test_kills import at_once
from tests.assets.archive.walk import Walk

kinds = pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)


def archived_twice(archive_stores: ArchiveStores, kind: Kind) -> list[str]:
    """Two buckets, one of them with two revisions. The keys of the objects in use: parts first, and its own first."""
    archive_stores.now = archive_stores.now.replace(year=2027)
    kind.happen(archive_stores, 1)
    archive_stores.archive(kind.app, kind.table)
    kind.happen(archive_stores, 2)
    archive_stores.archive(kind.app, kind.table)
    registry = ArchiveRegistry(archive_stores.postgres, kind.app, kind.table)
    (twice,) = (revision.bucket for revision in registry.sealed() if revision.number > 1)
    old = [key for key in archive_stores.manifests() if key.split("/")[4] == twice and key.endswith("1.json")]
    used = [key for key in archive_stores.parts() + archive_stores.manifests() if key not in old]
    return sorted(used, key=lambda key: ("/manifest-" in key, key.split("/")[4] != twice, key))


def ends(done: Repaired) -> dict[str, str]:
    return {found.key: found.end for found in done.findings}


def comes_back(archive_stores: ArchiveStores, kind: Kind) -> None:
    """The archive is whole, holds what is live, and goes on as if it never was damaged."""
    before = kind.rows(archive_stores, "live")
    assert archive_stores.verify(kind.app, kind.table).faults == []
    assert archive_stores.repair(kind.app, kind.table).findings == []
    assert archive_stores.archive(kind.app, kind.table).rows == 0
    kind.clear(archive_stores)
    archive_stores.restore(kind.app, kind.table, "live")
    assert kind.rows(archive_stores, "live") == before == Counter(dict.fromkeys(before, 1))


@kinds
def test_what_is_damaged_comes_back_while_its_rows_are_live(archive_stores: ArchiveStores, kind: Kind) -> None:
    keys = archived_twice(archive_stores, kind)
    start = Checkpoint(archive_stores)
    for damaged in (*([key] for key in keys), *itertools.pairwise(keys), keys):
        start.rewind()
        for at, key in enumerate(damaged):
            if at % 2:
                archive_stores.store.put(key, archive_stores.store.get(key)[:-7] + b"damaged")
            else:
                archive_stores.store.delete(key)
        done = archive_stores.repair(kind.app, kind.table)
        assert set(ends(done).values()) == {"repaired"}, damaged
        assert archive_stores.verify(kind.app, kind.table).faults == [], damaged
    comes_back(archive_stores, kind)


@kinds
def test_a_manifest_comes_back_from_its_parts_when_no_row_is_live(archive_stores: ArchiveStores, kind: Kind) -> None:
    archived_twice(archive_stores, kind)
    before = kind.rows(archive_stores, "live")
    kind.clear(archive_stores)
    lost = archive_stores.manifests()
    archive_stores.store.delete(lost)

    done = archive_stores.repair(kind.app, kind.table)

    assert {found.why for found in done.findings} == {"from its 2 parts", "from its 1 part"}
    assert archive_stores.verify(kind.app, kind.table).faults == []
    archive_stores.restore(kind.app, kind.table, "live")
    assert kind.rows(archive_stores, "live") == before


@kinds
def test_copies_count_by_their_bytes_alone(archive_stores: ArchiveStores, kind: Kind, tmp_path: Path) -> None:
    keys = archived_twice(archive_stores, kind)
    before = kind.rows(archive_stores, "live")
    kind.clear(archive_stores)
    good = {key: archive_stores.store.get(key) for key in keys}
    wrong, right = FolderObjectStore(tmp_path / "wrong"), FolderObjectStore(tmp_path / "right")
    for key, data in good.items():
        wrong.put(key, data[:-1] + b"?")
        right.put(f"backup/{key}", data)
    archive_stores.store.delete([*keys, *archive_stores.manifests()])

    refused = archive_stores.repair(kind.app, kind.table, Copies(on_disk(tmp_path / "wrong")))
    assert set(ends(refused).values()) == {"not repaired"}
    assert all(found.why.endswith("no copy") for found in refused.findings)
    done = archive_stores.repair(kind.app, kind.table, Copies(in_store(right, "s3://copies", "backup")))
    assert ends(done) == dict.fromkeys(keys, "repaired")
    assert done.findings[0].why.startswith("from the copy s3://copies/backup/archive/")
    assert {key: archive_stores.store.get(key) for key in keys} == good
    archive_stores.restore(kind.app, kind.table, "live")
    assert kind.rows(archive_stores, "live") == before


def test_a_given_file_may_have_any_name(archive_stores: ArchiveStores, tmp_path: Path) -> None:
    archive_stores.happen(3)
    archive_stores.archive()
    archive_stores.prune()
    (part,), (manifest,) = archive_stores.parts(), archive_stores.manifests()
    for key in (part, manifest):
        data = archive_stores.store.get(key)
        (tmp_path / "copy.bin").write_bytes(data)
        archive_stores.store.put(key, b"")
        assert ends(archive_stores.repair(copies=Copies(on_disk(tmp_path / "copy.bin")))) == {key: "repaired"}
        assert archive_stores.store.get(key) == data
    # A part that only a copy has, below a manifest that nothing has.
    (tmp_path / part.rpartition("/")[2]).write_bytes(archive_stores.store.get(part))
    archive_stores.store.delete([part, manifest])
    done = archive_stores.repair(copies=Copies(on_disk(tmp_path / part.rpartition("/")[2])))
    assert [(found.key, found.why) for found in done.findings] == [(manifest, "from its 1 part")]
    assert archive_stores.verify().faults == []


@kinds
def test_what_changed_or_went_is_not_taken_for_what_was_archived(archive_stores: ArchiveStores, kind: Kind) -> None:
    keys = archived_twice(archive_stores, kind)
    part = keys[0]
    archive_stores.store.delete(part)
    kind.happen(archive_stores, 1)
    start = Checkpoint(archive_stores)
    found = start.state()

    (finding,) = archive_stores.repair(kind.app, kind.table).findings
    assert (finding.key, finding.wrong, finding.end) == (part, "missing", "not repaired")
    assert "live rows are not in the rest of the archive" in finding.why
    assert start.state() == found
    kind.clear(archive_stores)
    (finding,) = archive_stores.repair(kind.app, kind.table).findings
    assert finding.end == "not repaired"


@kinds
def test_a_dry_run_says_the_same_and_changes_nothing(archive_stores: ArchiveStores, kind: Kind) -> None:
    keys = archived_twice(archive_stores, kind)
    start = Checkpoint(archive_stores)
    copies = FolderObjectStore(archive_stores.folder.parent / "copies")
    copies.put(keys[0], archive_stores.store.get(keys[0]))
    for damaged in ([keys[0]], [keys[-1]], keys[:2], keys):
        start.rewind()
        archive_stores.store.delete(damaged)
        found = start.state()
        given = [Copies(in_store(copies, "copies")) for _ in range(2)]
        dry = archive_stores.repair(kind.app, kind.table, given[0], dry_run=True, accept_loss=True)
        assert start.state() == found
        assert archive_stores.repair(kind.app, kind.table, given[1], accept_loss=True) == dry


@kinds
def test_an_accepted_loss_leaves_the_rest_and_what_is_live_is_archived_again(
    archive_stores: ArchiveStores, kind: Kind
) -> None:
    keys = archived_twice(archive_stores, kind)
    part = keys[0]
    before = kind.rows(archive_stores, "live")
    cut = archive_stores.store.get(part)[:-3]
    archive_stores.store.put(part, cut)
    kind.happen(archive_stores, 1)  # so that live rows are not those that were lost
    with pytest.raises(DamagedPartError):
        archive_stores.restore(kind.app, kind.table)

    done = archive_stores.repair(kind.app, kind.table, accept_loss=True)

    assert ends(done) == {part: "given up"}
    folder, _, name = part.rpartition("/")
    assert archive_stores.store.get(f"{folder}/damaged-{name}") == cut
    assert archive_stores.verify(kind.app, kind.table).faults == []
    assert 0 < archive_stores.restore(kind.app, kind.table).rows < sum(before.values())
    assert archive_stores.archive(kind.app, kind.table).rows > 0
    comes_back(archive_stores, kind)


def test_an_accepted_loss_of_everything_is_an_empty_archive(archive_stores: ArchiveStores) -> None:
    archive_stores.now = archive_stores.now.replace(year=2027)
    for kind in KINDS:
        kind.happen(archive_stores, 1)
        archive_stores.archive(kind.app, kind.table)
        kind.clear(archive_stores)
    archive_stores.store.delete(archive_stores.parts())
    for kind in KINDS:
        assert set(ends(archive_stores.repair(kind.app, kind.table, accept_loss=True)).values()) == {"given up"}
        assert archive_stores.verify(kind.app, kind.table).faults == []
        assert archive_stores.restore(kind.app, kind.table).rows == 0
        kind.happen(archive_stores, 1)
        archive_stores.archive(kind.app, kind.table)
        comes_back(archive_stores, kind)


def test_which_of_two_versions_is_the_later_one_is_not_guessed(archive_stores: ArchiveStores) -> None:
    """Two parts hold one key, and no manifest says which came first."""
    archive_stores.now = archive_stores.now.replace(year=2027)
    kind = KINDS[1]
    kind.happen(archive_stores, 1)
    d1 = archive_stores.d1["sesh"]
    for amount in (0.5, 2.5, 3.5):
        d1.execute("update sessions_2026_01 set amount = ?", [amount])
        archive_stores.archive(kind.app, kind.table)
    kind.clear(archive_stores)
    first, second, third = archive_stores.manifests()
    kept = archive_stores.store.get(second)
    archive_stores.store.delete([first, second, third])
    (finding,) = archive_stores.repair(kind.app, kind.table).findings
    assert (finding.key, finding.end) == (third, "not repaired")
    assert "some rows were archived twice, and the manifests that say which came later are lost" in finding.why
    archive_stores.store.put(second, kept)
    assert ends(archive_stores.repair(kind.app, kind.table)) == {third: "repaired"}
    archive_stores.restore(kind.app, kind.table)
    restored = d1.query("select amount from sessions_restored where timestamp < '2026-02'")
    assert [row["amount"] for row in restored] == [3.5]


def test_a_column_that_the_table_got_since_is_no_damage(archive_stores: ArchiveStores) -> None:
    archive_stores.now = archive_stores.now.replace(year=2027)
    kind = KINDS[2]
    kind.happen(archive_stores, 2)
    archive_stores.archive(kind.app, kind.table)
    archive_stores.postgres.execute("alter table ads.restatements add column note text default 'later'")
    for lost in (archive_stores.parts(), archive_stores.manifests()[:1]):
        archive_stores.store.delete(lost)
        assert set(ends(archive_stores.repair(kind.app, kind.table)).values()) == {"repaired"}
        assert archive_stores.verify(kind.app, kind.table).faults == []


def test_what_was_never_archived_has_nothing_to_repair(archive_stores: ArchiveStores) -> None:
    with pytest.raises(NotArchivedError, match=f"{QUARTER} of clearlift events: no such sealed archive"):
        archive_stores.repair()


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.soak)])
@kinds
def test_a_repair_that_ends_at_any_step_and_is_run_again_ends_the_same(
    archive_stores: ArchiveStores, kind: Kind, every: bool
) -> None:
    keys = archived_twice(archive_stores, kind)
    copies = FolderObjectStore(archive_stores.folder.parent / "copies")
    copies.put(keys[0], archive_stores.store.get(keys[0]))
    archive_stores.store.delete([keys[0], keys[2], keys[3]])

    def work() -> object:
        given = Copies(in_store(copies, "copies"))
        return archive_stores.repair(kind.app, kind.table, given, accept_loss=True)

    walk = Walk(Checkpoint(archive_stores), work, every)
    work()
    expected = archive_stores.parts(), archive_stores.manifests()
    for end in walk.ended():
        work()
        assert archive_stores.verify(kind.app, kind.table).faults == [], end
        assert (archive_stores.parts(), archive_stores.manifests()) == expected, end
    assert walk.steps >= {"put done", "put_if_absent done", "commit done"}
    assert not every or walk.steps >= {"get", "list", "put", "commit"}
    comes_back(archive_stores, kind)


def test_two_repairs_at_once_end_as_one(archive_stores: ArchiveStores) -> None:
    kind = KINDS[0]
    keys = archived_twice(archive_stores, kind)
    archive_stores.store.delete([keys[0], keys[-1]])
    done = at_once(archive_stores.repair, archive_stores.repair)
    assert sorted(len(each.findings) for each in done) == [0, 2]
    comes_back(archive_stores, kind)
