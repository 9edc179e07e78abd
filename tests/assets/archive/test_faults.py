"""A flipped byte, a missing part, a cut manifest: named, and nothing of a damaged bucket is restored."""

import json
import random
from pathlib import Path

import pytest

from assets.archive.parts import DamagedPartError
from assets.archive.registry import ArchiveRegistry
from assets.archive.sealed import DamagedManifestError, NotArchivedError
from assets.rows.lines import encode
from resources.r2 import FolderObjectStore
from tests.assets.archive.archive_stores import QUARTER, ArchiveStores


@pytest.fixture
def sealed(archive_stores: ArchiveStores) -> ArchiveStores:
    """Two sealed buckets, one with two parts."""
    archive_stores.happen(4)
    archive_stores.happen(4, "b8e9d1")
    archive_stores.archive()
    archive_stores.happen(2)
    archive_stores.archive()
    return archive_stores


def path(archive_stores: ArchiveStores, key: str) -> Path:
    return Path(archive_stores.store.uri(key))


@pytest.mark.parametrize("seed", range(4))
def test_a_flipped_bit_is_named_and_its_bucket_not_restored(sealed: ArchiveStores, seed: int) -> None:
    chance = random.Random(seed)
    key = chance.choice([k for k in sealed.parts() if "a3f7c2" in k])
    data = bytearray(sealed.store.get(key))
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    sealed.store.put(key, bytes(data))

    assert sealed.verify().faults == [f"{key}: its bytes have another SHA-256 than those that were written"]
    with pytest.raises(DamagedPartError, match=key.rpartition("/")[2]):
        sealed.restore(bucket="a3f7c2")
    assert not sealed.live("events_restored")
    assert sealed.restore(bucket="b8e9d1").added == 4


def test_a_missing_and_a_cut_part_are_named(sealed: ArchiveStores) -> None:
    gone, cut, _ = sealed.parts()
    sealed.store.delete(gone)
    sealed.store.put(cut, sealed.store.get(cut)[:-9])
    size = len(sealed.store.get(cut))
    assert sorted(sealed.verify().faults) == sorted(
        [f"{gone}: missing", f"{cut}: {size} bytes, where {size + 9} were written"]
    )


@pytest.mark.parametrize("length", [0, 1, 400, -2])
def test_a_cut_manifest_is_named(sealed: ArchiveStores, length: int) -> None:
    key = sealed.manifests()[1]
    sealed.store.put(key, sealed.store.get(key)[:length])
    (fault,) = sealed.verify().faults
    assert fault.startswith(f"{key}: ")
    assert "cut or changed" in fault or "does not add up" in fault
    with pytest.raises(DamagedManifestError):
        sealed.restore(bucket="a3f7c2")


def test_a_changed_a_swapped_and_a_missing_manifest_are_named(sealed: ArchiveStores) -> None:
    old, key, other = sealed.manifests()
    fields = json.loads(sealed.store.get(key))
    fields["parts"][0]["rows"] += 1
    sealed.store.put(key, json.dumps(fields, ensure_ascii=False, indent=1).encode() + b"\n")
    sealed.store.delete(other)
    assert sealed.verify().faults == [
        f"{key}: what it says of itself does not add up: it was changed",
        f"{other}: missing",
    ]
    sealed.store.put(key, sealed.store.get(old))
    assert sealed.verify().faults[0] == f"{key}: not the manifest that was sealed"


def test_what_comes_back_changed_right_after_it_was_put_is_not_sealed(
    archive_stores: ArchiveStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_stores.happen(3)
    real = FolderObjectStore.put_if_absent

    def damaging(store: FolderObjectStore, key: str, data: bytes, **_: object) -> bool:
        return real(store, key, data[:-8] + bytes(8) if "/part-" in key else data)

    with monkeypatch.context() as patch:
        patch.setattr(FolderObjectStore, "put_if_absent", damaging)
        with pytest.raises(DamagedPartError, match="another SHA-256"):
            archive_stores.archive()
    assert ArchiveRegistry(archive_stores.postgres, "clearlift", "events").sealed() == []
    assert archive_stores.archive().rows == 3
    assert archive_stores.verify().faults == []


def test_lines_that_do_not_hold_the_rows_that_went_in_are_not_sealed(
    archive_stores: ArchiveStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive_stores.happen(3, event_value=1.5)
    with monkeypatch.context() as patch:
        lying = "assets.archive.parts.encode"
        patch.setattr(lying, lambda frame, columns: encode(frame, columns).replace(b"1.5", b"1.6"))
        with pytest.raises(
            DamagedPartError, match=r"3 rows with checksum .* went in, 3 rows with checksum .* came back"
        ):
            archive_stores.archive()
    assert archive_stores.parts() == []
    assert archive_stores.archive().rows == 3


def test_what_was_never_archived_cannot_be_restored(archive_stores: ArchiveStores) -> None:
    with pytest.raises(NotArchivedError, match=f"{QUARTER} of clearlift events: no such sealed archive"):
        archive_stores.restore()
