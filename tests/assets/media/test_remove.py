"""The media of sessions that are pruned or erased: all of it, and nobody else's."""

import pytest

from assets.media.remove import remove
from tests.assets.media.bench import MEDIA, NOW, Bench, Death, Killed, Watched
from tests.assets.media.photos import photo, picture

SESSIONS = ("user-1", "s-1"), ("user-1", "s-10"), ("user-10", "s-1")


def laid_out(bench: Bench) -> None:
    bench.clear()
    for user, session in SESSIONS:
        folder = f"user-media/{user}/sessions/{session}/"
        bench.put("a.jpg", photo(picture(8, 8)), folder)
        bench.put("b.jpg", b"no image", folder)
        bench.put("film.mp4", b"a film", folder)
    bench.run()


def removed(bench: Bench, *sessions: tuple[str, str], store: object = None) -> int:
    return remove("sesh", MEDIA, store or bench.store, bench.postgres, lambda: NOW, sessions)  # type: ignore[arg-type]


def test_uploads_variants_videos_and_quarantine_go_and_nobody_else_s(bench: Bench) -> None:
    laid_out(bench)
    others = {key: data for key, data in bench.objects().items() if "user-1/sessions/s-1/" not in key}
    rows = {key: row for key, row in bench.rows().items() if "user-1/sessions/s-1/" not in key}
    assert removed(bench, ("user-1", "s-1")) == 7
    assert bench.objects() == others
    assert bench.rows() == rows
    assert removed(bench, ("user-1", "s-1"), ("nobody", "none")) == 0
    assert (bench.run().made, bench.objects()) == (0, others)


@pytest.mark.parametrize("ids", [("", "s-1"), ("user-1", ""), ("user-1", ".."), ("user-1/sessions", "s-1"), (".", "s")])
def test_an_id_that_would_name_others_media_deletes_nothing(bench: Bench, ids: tuple[str, str]) -> None:
    laid_out(bench)
    before = bench.objects()
    with pytest.raises(ValueError, match="not one segment"):
        removed(bench, ("user-1", "s-1"), ids)
    assert bench.objects() == before


def test_killed_and_done_again_it_ends_the_same(bench: Bench) -> None:
    for at in range(4):
        laid_out(bench)
        dying = Watched(bench.store, Death(at), ("list", "delete"))
        with pytest.raises(Killed):
            removed(bench, *SESSIONS, store=dying)
        removed(bench, *SESSIONS)
        assert (bench.objects(), bench.rows()) == ({}, {})
