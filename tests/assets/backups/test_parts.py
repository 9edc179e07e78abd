"""Files of sets are cut, compressed and sealed, and come back; nothing is put over something else."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.backups import sets
from assets.backups.manifest import Kind, Manifest, ManifestError, NewerFormatError, Table, parse
from assets.backups.method import Contents, NotRestorableError
from assets.backups.parts import Draft, read
from assets.backups.target import StoreName, TakenError, begun_at, new_id
from resources.declined import DeclinedError
from tests.assets.backups.d1_databases import target_in

STORE = StoreName("shop", "d1")
NOW = datetime(2026, 3, 2, 3, 4, 5, tzinfo=UTC)


def sealed(draft: Draft, base: str | None = None, moment: datetime = NOW) -> Manifest:
    kind = Kind.INCREMENTAL if base else Kind.FULL
    tables = [Table(name="t", rows=1, checksum="0")]
    return sets.seal(draft, Contents(kind, "7", moment, base=base, tables=tables, facts={"a": "b"}), "1.0")


@settings(max_examples=25, derandomize=True)
@given(
    pieces=st.lists(st.integers(0, 70_000), max_size=12),
    part_bytes=st.sampled_from([1, 10_000, 200_000]),
    random=st.booleans(),
)
def test_a_file_in_any_pieces_comes_back(tmp_path: Path, pieces: list[int], part_bytes: int, random: bool) -> None:
    target = target_in(tmp_path)
    draft = Draft(target, STORE, new_id(NOW, Kind.FULL), part_bytes)
    written = [os.urandom(size) if random else b"words " * (size // 6) for size in pieces]
    draft.write("before", b"x")
    with draft.file("rows of t", "t") as write:
        for piece in written:
            write(piece)
    manifest = sealed(draft)
    found = sets.read_manifest(target, STORE, manifest.id)
    assert found == manifest
    assert b"".join(read(target, found, "rows of t")) == b"".join(written)
    assert b"".join(read(target, found, "before")) == b"x"
    assert found.files("t") == ("rows of t",)
    assert {part.name: part.size for part in found.parts}.items() <= target.names(STORE, found.id).items()
    # A piece is what one writing adds to at most.
    assert max(part.size for part in found.parts) < part_bytes + 75_000


def test_one_long_writing_is_cut_too(tmp_path: Path) -> None:
    target = target_in(tmp_path)
    draft = Draft(target, STORE, new_id(NOW, Kind.FULL), 500_000)
    data = os.urandom(5_000_000)
    draft.write("f", data)
    manifest = sealed(draft)
    assert len(manifest.parts) == 5
    assert b"".join(read(target, manifest, "f")) == data


def test_only_what_has_a_manifest_is_a_set_and_only_a_marked_chain_is_good(tmp_path: Path) -> None:
    target = target_in(tmp_path)
    ids = [new_id(NOW.replace(minute=minute), Kind.FULL) for minute in range(4)]
    drafts = [Draft(target, STORE, set_id) for set_id in ids]
    for draft in drafts:
        draft.write("f", b"x")
    first = sealed(drafts[0])
    second = sealed(drafts[1], first.id, NOW.replace(minute=10))
    lost = sealed(drafts[2], "20200101T000000Z-full-000000000000", NOW.replace(minute=20))
    sets.mark_verified(target, STORE, second.id, NOW)
    found = sets.find(target, STORE)
    assert [manifest.id for manifest in found.complete] == [first.id, second.id, lost.id]
    assert found.unfinished == (ids[3],)
    assert found.newest_good is None, "its base is not verified"
    sets.mark_verified(target, STORE, first.id, NOW)
    sets.mark_verified(target, STORE, first.id, NOW)
    sets.mark_verified(target, STORE, lost.id, NOW)
    found = sets.find(target, STORE)
    assert found.newest_good == second
    assert found.chain(second) == (first, second)
    with pytest.raises(NotRestorableError, match="needs 20200101T000000Z-full-000000000000, which is not there"):
        found.chain(lost)
    assert target.stores() == [STORE]


def test_nothing_is_put_over_something_else(tmp_path: Path) -> None:
    target = target_in(tmp_path)
    first, second = (Draft(target, STORE, "20260302T030405Z-full-0123456789ab") for _ in range(2))
    first.write("f", b"first")
    with pytest.raises(TakenError, match="part-00001: something lies there already"):
        second.write("f", b"second")
    manifest = sealed(first)
    with pytest.raises(TakenError):
        sealed(first)
    assert b"".join(read(target, manifest, "f")) == b"first"


def test_ids_sort_by_time_and_name_their_kind() -> None:
    ids = [new_id(NOW.replace(second=second), Kind.WAL) for second in range(3)]
    assert sorted(ids) == ids
    assert len({new_id(NOW, Kind.WAL) for _ in range(100)}) == 100
    assert (begun_at(ids[2]), "-wal-" in ids[0]) == (NOW.replace(second=2), True)


@pytest.mark.parametrize("text", ["", "shop", "shop/", "/d1", "shop/d1/x", "Shop/d1", "../d1"])
def test_what_names_no_store_is_refused(text: str) -> None:
    with pytest.raises(DeclinedError, match="names no store"):
        StoreName.parse(text)


def test_a_manifest_that_is_cut_or_of_a_newer_release_is_told_apart(tmp_path: Path) -> None:
    draft = Draft(target_in(tmp_path), STORE, new_id(NOW, Kind.FULL))
    draft.write("f", b"x")
    data = sealed(draft).to_json()
    assert parse(data).facts == {"a": "b"}
    assert parse(data.replace(b'"until"', b'"of_a_later_release":1,"until"')).until == "7"
    for wrong in (data[:-1], b"", data.replace(b'"kind":"full"', b'"kind":"half"'), data.replace(b'"until":"7",', b"")):
        with pytest.raises(ManifestError):
            parse(wrong)
    with pytest.raises(NewerFormatError, match="format 2, and this release reads up to 1"):
        parse(data.replace(b'"format":1', b'"format":2').replace(b'"kind":"full"', b'"kind":"new"'))
