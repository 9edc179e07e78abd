"""The media of sessions that are pruned or erased: all of it, and nobody else's."""

import pytest

from assets.media.remove import remove
from tests.assets.media.media_stores import MEDIA, NOW, Death, Killed, MediaStores, Watched
from tests.assets.media.photos import photo, picture

SESSIONS = ("user-1", "s-1"), ("user-1", "s-10"), ("user-10", "s-1")


def laid_out(media_stores: MediaStores) -> None:
    media_stores.clear()
    for user, session in SESSIONS:
        folder = f"user-media/{user}/sessions/{session}/"
        media_stores.put("a.jpg", photo(picture(8, 8)), folder)
        media_stores.put("b.jpg", b"no image", folder)
        media_stores.put("film.mp4", b"a film", folder)
    media_stores.run()


def removed(media_stores: MediaStores, *sessions: tuple[str, str], store: object = None) -> int:
    return remove("sesh", MEDIA, store or media_stores.store, media_stores.postgres, lambda: NOW, sessions)  # type: ignore[arg-type]


def test_uploads_variants_videos_and_quarantine_go_and_nobody_else_s(media_stores: MediaStores) -> None:
    laid_out(media_stores)
    others = {key: data for key, data in media_stores.objects().items() if "user-1/sessions/s-1/" not in key}
    rows = {key: row for key, row in media_stores.rows().items() if "user-1/sessions/s-1/" not in key}
    assert removed(media_stores, ("user-1", "s-1")) == 7
    assert media_stores.objects() == others
    assert media_stores.rows() == rows
    assert removed(media_stores, ("user-1", "s-1"), ("nobody", "none")) == 0
    assert (media_stores.run().made, media_stores.objects()) == (0, others)


@pytest.mark.parametrize("ids", [("", "s-1"), ("user-1", ""), ("user-1", ".."), ("user-1/sessions", "s-1"), (".", "s")])
def test_an_id_that_would_name_others_media_deletes_nothing(media_stores: MediaStores, ids: tuple[str, str]) -> None:
    laid_out(media_stores)
    before = media_stores.objects()
    with pytest.raises(ValueError, match="not one segment"):
        removed(media_stores, ("user-1", "s-1"), ids)
    assert media_stores.objects() == before


def test_killed_and_done_again_it_ends_the_same(media_stores: MediaStores) -> None:
    for at in range(4):
        laid_out(media_stores)
        dying = Watched(media_stores.store, Death(at), ("list", "delete"))
        with pytest.raises(Killed):
            removed(media_stores, *SESSIONS, store=dying)
        removed(media_stores, *SESSIONS)
        assert (media_stores.objects(), media_stores.rows()) == ({}, {})
