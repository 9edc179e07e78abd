"""Refused images that are put back: once their cause is gone, corrected, and never over another one."""

import itertools

import pytest

from assets.media import make, naming, quarantine
from tests.assets.media import photos
from tests.assets.media.media_stores import FOLDER, Death, Killed, MediaStores, Watched
from tests.assets.media.photos import photo

LARGE = photo(photos.picture(40, 30), orientation=6)


@pytest.fixture
def refused(media_stores: MediaStores, monkeypatch: pytest.MonkeyPatch) -> MediaStores:
    """Two that were too large at the time, one that is none, one without bytes."""
    for name, data in {"a.jpg": LARGE, "b.jpg": LARGE, "page.jpg": b"<html>", "zero.jpg": b""}.items():
        media_stores.put(name, data)
    with monkeypatch.context() as patch:
        patch.setattr(make, "MOST_BYTES", 100)
        assert media_stores.run().refused == {"too_large": 2, "not_an_image": 1, "empty": 1}
    return media_stores


def test_what_is_put_back_as_it_was_is_made_where_the_cause_is_gone_and_refused_where_it_is_not(
    refused: MediaStores,
) -> None:
    images = refused.ledger.in_quarantine()
    assert [(i.key.removeprefix(FOLDER), i.reason, i.bytes, i.kept) for i in images] == [
        ("a.jpg", "too_large", len(LARGE), True),
        ("b.jpg", "too_large", len(LARGE), True),
        ("page.jpg", "not_an_image", 6, True),
        ("zero.jpg", "empty", 0, False),
    ]
    assert quarantine.replay(refused.store, images) == {"again": 3, "no_bytes": 1}
    # They wait for a look; until then nothing is put twice.
    assert quarantine.replay(refused.store, images) == {"replaced": 3, "no_bytes": 1}
    done = refused.run()
    assert (done.made, done.refused) == (2, {"not_an_image": 1})
    assert not refused.secrets()
    assert [i.key for i in refused.ledger.in_quarantine()] == [f"{FOLDER}page.jpg", f"{FOLDER}zero.jpg"]
    assert not refused.store.exists(naming.quarantined(f"{FOLDER}a.jpg"))


def test_one_that_is_corrected_takes_its_place(refused: MediaStores) -> None:
    for name in ("page.jpg", "zero.jpg"):
        (image,) = refused.ledger.in_quarantine(key=FOLDER + name)
        assert quarantine.replay(refused.store, [image], photo()) == {"again": 1}
    assert refused.run().made == 2
    assert {i.reason for i in refused.ledger.in_quarantine()} == {"too_large"}


def test_an_upload_that_came_or_went_meanwhile_is_left_alone(refused: MediaStores) -> None:
    images = refused.ledger.in_quarantine("too_large")
    newer = photo(photos.picture(seed=9))
    refused.put("a.jpg", newer)
    refused.store.delete(f"{FOLDER}b.jpg")
    assert quarantine.replay(refused.store, images) == {"replaced": 1, "gone": 1}
    assert refused.store.get(f"{FOLDER}a.jpg") == newer
    assert not refused.store.exists(f"{FOLDER}b.jpg")


def test_bytes_that_are_kept_no_longer_are_told(refused: MediaStores) -> None:
    refused.store.delete(naming.quarantined(f"{FOLDER}a.jpg"))
    assert quarantine.replay(refused.store, refused.ledger.in_quarantine("too_large")) == {"no_bytes": 1, "again": 1}


def test_killed_anywhere_and_done_again_it_ends_the_same(refused: MediaStores) -> None:
    images = refused.ledger.in_quarantine("too_large")
    for at in itertools.count():
        try:
            quarantine.replay(Watched(refused.store, Death(at), ("get", "head", "replace")), images)
        except Killed:
            assert refused.store.get(f"{FOLDER}b.jpg") in (b"", LARGE)
        else:
            break
    assert at > 3
    assert refused.run().made == 2
    assert refused.ledger.in_quarantine("too_large") == []
