"""Expiry, manifests, sweep: what each removes, what it leaves, and that the rows stay as they are."""

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.table import Table

from resources.lake import LakeTable, PartitionKey, SourcesGoneError, manifests
from resources.lake.expiry import KeptSnapshot, expire, snapshots
from resources.lake.manifests import RewriteLimits
from resources.lake.sweep import MissingFilesError, remove, survey
from tests.resources.lake.readings import NORTH, READINGS, SOUTH, ids, written
from tests.resources.lake.rooms import moto_properties, rest_lake, served, workerd_properties

SMALL = RewriteLimits(entries=4, saved=2)


def later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def newest(listed: Sequence[KeptSnapshot]) -> Collection[int]:
    return {s.id for s in listed[-1:]}


def local(path: str) -> Path:
    return Path(path.removeprefix("file://"))


def test_an_empty_table_needs_no_upkeep(table: LakeTable) -> None:
    assert snapshots(table) == []
    assert expire(table, newest) == []
    planned, snapshot = manifests.rewrite(table)
    assert (planned.before, planned.after, snapshot) == (0, 0, None)
    found = survey(table, later())
    assert [file.kind for file in found.reached] == ["metadata"]
    assert (found.old, found.missing) == ((), ())


def test_a_snapshot_ends_when_the_next_begins(table: LakeTable) -> None:
    first, second = (table.append([written(table, name)], name) for name in "ab")

    one, two = snapshots(table)

    assert (one.id, one.commit_id, one.refs, one.until) == (first, "a", (), two.at)
    assert (two.id, two.commit_id, two.refs, two.until) == (second, "b", ("main",), None)
    assert one.at <= two.at


def test_what_is_not_kept_expires_and_the_rows_stay(table: LakeTable) -> None:
    made = [table.append([written(table, name)], name) for name in "abcd"]

    assert expire(table, lambda _: {made[1]}) == [made[0], made[2]]
    assert [s.id for s in snapshots(table)] == [made[1], made[3]]
    assert ids(table) == ["a", "b", "c", "d"]
    assert expire(table, lambda _: {made[1]}) == []


def test_what_a_branch_or_tag_points_to_stays(table: LakeTable) -> None:
    made = [table.append([written(table, name)], name) for name in "abc"]
    table.load().manage_snapshots().create_tag(made[0], "audit").commit()

    assert expire(table, lambda _: ()) == [made[1]]
    assert [(s.id, s.refs) for s in snapshots(table)] == [(made[0], ("audit",)), (made[2], ("main",))]


def test_many_snapshots_expire_a_part_at_a_time(table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resources.lake.expiry.EXPIRED_A_COMMIT", 2)
    made = [table.append([written(table, str(n))], str(n)) for n in range(6)]

    assert expire(table, newest) == made[:5]


def test_an_expiry_without_an_answer_is_made_once(table: LakeTable, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        table.append([written(table, name)], name)
    commit_table, lost = SqlCatalog.commit_table, iter([True])

    def faulty(*args: object) -> object:
        answer = commit_table(*args)  # type: ignore[arg-type]
        if next(lost, False):
            raise ConnectionError("no answer")
        return answer

    monkeypatch.setattr(SqlCatalog, "commit_table", faulty)
    monkeypatch.setattr("resources.lake.commit.time.sleep", lambda _: None)
    expire(table, newest)
    assert len(snapshots(table)) == 1
    assert ids(table) == ["a", "b", "c"]


def test_the_sweep_takes_what_nothing_names_and_is_old(table: LakeTable) -> None:
    old = [written(table, "a"), written(table, "b")]
    table.append(old, "one")
    merged = table.rewrite(NORTH, old).file
    table.replace(old, [merged], "two")
    orphan = written(table, "never committed")
    foreign = local(orphan.file_path).with_name("note.txt")
    foreign.write_text("mine")

    # Only the last snapshot is expired, so only the orphan is not needed.
    found = survey(table, later())
    assert [file.path for file in found.old] == [str(local(orphan.file_path))]
    assert [file.path for file in found.foreign] == [str(foreign)]
    assert survey(table, datetime.now(UTC) - timedelta(hours=1)).old == ()

    expire(table, newest)
    found = survey(table, later())
    assert {f.path for f in found.old if f.kind == "data"} == {str(local(f.file_path)) for f in [*old, orphan]}
    assert all(local(f.file_path).exists() for f in old)
    assert remove(table, found) == len(found.old)
    assert not any(Path(file.path).exists() for file in found.old)
    assert all(Path(file.path).exists() for file in found.reached)
    assert remove(table, found) == 0
    assert foreign.exists()
    assert ids(table) == ["a", "b"]


def test_a_table_that_lacks_files_is_not_swept(table: LakeTable) -> None:
    lost = written(table, "a")
    table.append([lost], "one")
    orphan = written(table, "never committed")
    local(lost.file_path).unlink()

    found = survey(table, later())

    assert found.missing == (str(local(lost.file_path)),)
    with pytest.raises(MissingFilesError, match="1 file of the table missing"):
        remove(table, found)
    assert local(orphan.file_path).exists()


def test_a_table_that_lacks_a_manifest_is_not_swept(table: LakeTable) -> None:
    table.append([written(table, "a")], "one")
    live = table.load()
    head = live.current_snapshot()
    assert head is not None
    local(head.manifests(live.io)[0].manifest_path).unlink()

    with pytest.raises(FileNotFoundError):
        survey(table, later())


def test_what_is_committed_during_the_listing_is_in_use(table: LakeTable) -> None:
    table.append([written(table, "a")], "one")
    waiting = written(table, "b")
    loads = iter(range(10))

    def load() -> Table:
        if next(loads) == 1:  # after the listing
            table.append([waiting], "two")
        return table.load()

    found = survey(LakeTable(table.spec, load, table.lock, None), later())

    assert str(local(waiting.file_path)) in {file.path for file in found.reached}
    assert (found.old, found.missing) == ((), ())


def test_another_sweep_meanwhile_is_no_error(table: LakeTable) -> None:
    for name in "abc":
        table.append([written(table, name)], name)
    loads = iter(range(10))

    def load() -> Table:
        live = table.load()
        if next(loads) == 1:  # it read snapshots whose manifest lists will be removed now
            expire(table, newest)
            remove(table, survey(table, later()))
        return live

    found = survey(LakeTable(table.spec, load, table.lock, None), later())

    assert found.missing == ()
    assert remove(table, found) == 0
    assert ids(table) == ["a", "b", "c"]


def test_manifests_become_few_and_sorted_by_day(table: LakeTable) -> None:
    days = [date(2025, 10, 10 + n % 3) for n in range(9)]
    for n, day in enumerate(days):
        table.append([written(table, f"id-{n}", key=PartitionKey("north", day))], str(n))
    before = {f.path for f in table.files()}

    assert manifests.plan(table, RewriteLimits(entries=4, saved=7)).after == 9
    planned, snapshot = manifests.rewrite(table, SMALL, {"who": "test"})

    assert (planned.before, planned.after, len(planned.rewritten)) == (9, 3, 9)
    live = table.load()
    head = live.current_snapshot()
    assert head is not None
    assert head.summary is not None
    assert (head.snapshot_id, head.summary.operation.value, head.summary["who"]) == (snapshot, "replace", "test")
    assert (head.summary["total-records"], head.summary["total-data-files"]) == ("9", "9")
    assert [m.existing_files_count for m in head.manifests(live.io)] == [3, 3, 3]
    held = [{e.data_file.partition[1] for e in m.fetch_manifest_entry(live.io)} for m in head.manifests(live.io)]
    assert all(len(days_of_one) == 1 for days_of_one in held)
    assert {f.path for f in table.files()} == before
    assert ids(table) == [f"id-{n}" for n in range(9)]
    assert not manifests.plan(table, SMALL)


def test_a_rewritten_file_keeps_the_commit_that_it_came_with(table: LakeTable) -> None:
    made = [table.append([written(table, name)], name) for name in "abc"]
    _, snapshot = manifests.rewrite(table, SMALL)

    changes = list(table.changes(made[-1]))
    assert [(c.id, c.operation, c.added, c.removed) for c in changes] == [(snapshot, "replace", (), ())]
    live = table.load()
    head = live.current_snapshot()
    assert head is not None
    (manifest,) = head.manifests(live.io)
    entries = manifest.fetch_manifest_entry(live.io)
    assert sorted((e.snapshot_id, e.sequence_number) for e in entries) == sorted(zip(made, (1, 2, 3), strict=True))
    # Files of a rewritten manifest can be replaced, and others appended or deleted, as before.
    files = [f.file for f in table.files()]
    merged = table.rewrite(NORTH, files).file
    table.replace(files, [merged], "merged")
    table.load().delete("id == 'b'")
    assert ids(table) == ["a", "c"]


def test_a_large_manifest_is_cut(table: LakeTable) -> None:
    keys = [PartitionKey(site, date(2025, 10, 10 + n)) for n in range(5) for site in ("north", "south")]
    table.append([written(table, f"{key.tenant}-{key.day.day}", key=key) for key in keys], "one")

    planned, _ = manifests.rewrite(table, SMALL)

    assert (planned.before, planned.after) == (1, 3)
    assert not manifests.plan(table, SMALL)
    assert len(table.files(tenants=["south"])) == 5


def test_rows_appended_while_manifests_are_written_stay(table: LakeTable) -> None:
    for name in "abc":
        table.append([written(table, name)], name)
    late = written(table, "late", key=SOUTH)

    manifests.rewrite(after(lambda: table.append([late], "late"), table), SMALL)

    assert ids(table) == ["a", "b", "c", "late"]
    head = table.load().current_snapshot()
    assert head is not None
    assert len(head.manifests(table.load().io)) == 2


def test_files_replaced_while_manifests_are_written_are_not_brought_back(table: LakeTable) -> None:
    for name in "abc":
        table.append([written(table, name)], name)
    gone = [f.file for f in table.files()][:1]
    left = sorted({"a", "b", "c"} - set(table.read(gone).collect()["id"]))

    with pytest.raises(SourcesGoneError, match="1 of 3 manifests to rewrite are no longer there"):
        manifests.rewrite(after(lambda: table.replace(gone, [], "erased"), table), SMALL)
    assert ids(table) == left


@pytest.mark.parametrize("room", ["moto", pytest.param("workerd", marks=pytest.mark.xdist_group("workerd"))])
def test_in_a_bucket_behind_a_rest_catalog_upkeep_is_the_same(
    request: pytest.FixtureRequest, tmp_path: Path, room: str
) -> None:
    if room == "moto":
        vended = moto_properties(request.getfixturevalue("s3_url"))
    else:
        vended = workerd_properties(request.getfixturevalue("workerd"))
    with served(tmp_path, vended) as server, rest_lake(server) as lake:
        table = lake.ensure(READINGS)
        for name in "abcd":
            table.append([written(table, name)], name)
        files = [f.file for f in table.files()][:2]
        merged = table.rewrite(NORTH, files).file
        table.replace(files, [merged], "merged")
        orphan = written(table, "never committed")
        assert manifests.rewrite(table, SMALL)[0]

        assert len(expire(table, newest)) == 5
        found = survey(table, later())
        gone = {f"s3://{file.path}" for file in found.old if file.kind == "data"}
        assert gone == {f.file_path for f in [*files, orphan]}
        assert remove(table, found) == len(found.old) > 3
        assert remove(table, found) == 0
        left = survey(table, later())
        assert (left.old, left.foreign, left.missing, len(left.reached)) == ((), (), (), len(found.reached))
        assert ids(table) == ["a", "b", "c", "d"]


def after(act: Callable[[], object], table: LakeTable) -> LakeTable:
    """The table; `act` runs just before a commit takes the lock."""

    @contextmanager
    def lock() -> Iterator[None]:
        act()
        with table.lock():
            yield

    return LakeTable(table.spec, table.load, lock, None)
