"""Erasing people's media and organisations' raw pages: whole folders, and of nobody else."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from assets.ads.staging import SliceManifest
from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.erasure import media, staged
from assets.media.ledger import ImageLedger
from assets.media.plan import Mark
from assets.privacy.identity import Erased, Identity
from resources.ad_platforms import Stream
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.erasure.calls import Killed, dying_at
from tests.rooms import TestRooms

NOW = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.fixture
def rooms(postgres: Postgres, tmp_path: Path) -> TestRooms:
    return TestRooms(NOW, postgres, FolderObjectStore(tmp_path / "r2"))


def keys(rooms: TestRooms) -> list[str]:
    return [info.key for info in rooms.object_store.list()]


def erase_media(rooms: TestRooms, *users: str) -> Erased:
    eraser = media.eraser(rooms, SESH)
    assert eraser is not None
    return eraser.erase([Identity("r", SESH.name, {"user": frozenset({user})}) for user in users])


def test_all_of_a_users_folder_goes_and_what_was_refused(rooms: TestRooms) -> None:
    own = ["user-media/anna/avatar/1.jpg", "user-media/anna/avatar/1-thumbnail.jpg", "user-media/anna/s/s1/2.mp4"]
    others = ["quarantine/user-media/annabel/s/1.jpg", "user-media/annabel/anna/1.jpg"]
    for key in (*own, "quarantine/user-media/anna/s/s1/3.jpg", *others):
        rooms.object_store.put(key, b"image")
    ledger = ImageLedger(rooms.postgres, SESH.name, rooms.clock)
    ledger.mark([Mark(key, "etag", "wanted", None) for key in (own[0], others[1])], "")

    assert erase_media(rooms, "anna", "../annabel", "") == Erased("media", objects=4)

    assert keys(rooms) == others
    assert list(ledger.between("", None)) == [others[1]]
    assert erase_media(rooms, "anna") == Erased("media")


def slice_of(rooms: TestRooms, connection: str, org: str) -> None:
    at = f"raw/ads/google/{connection}/run/{org}"
    manifest = SliceManifest("s", "r", connection, org, "google", "1", Stream.CAMPAIGNS, NOW, "")
    rooms.object_store.put(f"{at}/000001", b"page")
    rooms.object_store.put(f"{at}/manifest.json", msgspec.json.encode(manifest))


@pytest.mark.parametrize("call", [1, 2])
def test_the_raw_pages_of_an_organisation_go(rooms: TestRooms, call: int) -> None:
    slice_of(rooms, "c1", "org-1")
    slice_of(rooms, "c2", "org-2")
    rooms.object_store.put("raw/ads/google/c1/killed/000001", b"page")
    eraser = staged.eraser(rooms, CLEARLIFT)
    assert eraser is not None
    assert eraser.erase([Identity("r", "clearlift", {"user": frozenset({"org-1"})})]) == Erased("raw ads pages")

    identity = Identity("r", "clearlift", {}, organisation=frozenset({"org-1", "a3f7c2"}))
    with suppress(Killed), dying_at(rooms.object_store, "delete", call):
        eraser.erase([identity])
    eraser.erase([identity])

    assert keys(rooms) == ["raw/ads/google/c2/run/org-2/000001", "raw/ads/google/c2/run/org-2/manifest.json"]
    assert eraser.erase([identity]) == Erased("raw ads pages")
