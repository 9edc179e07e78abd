"""What becomes of uploads: made, refused, replaced, removed; by a run, by runs that are killed, by two at once."""

import threading
from itertools import count

import pytest

from assets.media import follow, make, naming, variants
from assets.media.containers import RefusalReason
from resources.r2 import ObjectStoreError
from tests.assets.media import photos
from tests.assets.media.media_stores import FOLDER, MEDIA, Death, Killed, MediaStores
from tests.assets.media.photos import photo, picture

OTHER = "user-media/user-2/sessions/s-9/"
PLACES = ("", "profile/", "journals/j-1/", "sessions/s-1/", "sessions/s-1/a-n/", "sessions/", "albums/2026/03/")


def names(media_stores: MediaStores, prefix: str = FOLDER) -> set[str]:
    return {key.removeprefix(prefix) for key in media_stores.objects() if key.startswith(prefix)}


def of(image: str) -> set[str]:
    return {f"{image}-{variant.name}.jpg" for variant in MEDIA.variants}


def test_variants_lie_beside_the_upload_and_a_second_run_changes_nothing(media_stores: MediaStores) -> None:
    whole = photo(picture(900, 600), orientation=6)
    media_stores.put("a.jpg", whole)
    media_stores.put("b.PNG", photo(picture(), "PNG"))
    media_stores.put("c.webp", photo(picture(), "WEBP"))
    media_stores.put("film.mp4", b"a film")
    done = media_stores.run()
    assert (done.made, done.refused.total(), done.bytes_in > 0, done.bytes_out > 0) == (3, 0, True, True)
    assert names(media_stores) == {"a.jpg", "b.PNG", "c.webp", "film.mp4"} | of("a") | of("b") | of("c")
    wanted = variants.make(whole, "jpeg", MEDIA)
    assert media_stores.store.get(f"{FOLDER}a.jpg") == wanted.cleaned
    assert {
        n: media_stores.store.get(k) for n, k in naming.variants(MEDIA, f"{FOLDER}a.jpg").items()
    } == wanted.variants
    assert not media_stores.secrets()
    assert vars(media_stores.proof()) == {"uploads": 3, "made": 3, "quarantined": 0, "arrived": 0, "missing": 0}

    before = {found.key: found for found in media_stores.store.list()}
    again = media_stores.run()
    assert (again.made, again.marked, again.listed) == (0, 0, 13)
    assert {found.key: found for found in media_stores.store.list()} == before


def test_wherever_a_user_puts_an_image_it_loses_where_it_was_taken(media_stores: MediaStores) -> None:
    places = [f"user-media/user-{n}/{place}" for n in (1, 2) for place in PLACES]
    for place in places:
        media_stores.put("a.jpg", photo(), place)
    elsewhere = media_stores.put("a.jpg", photo(), "strain-images/")
    assert media_stores.run().made == len(places)
    assert media_stores.secrets() == {elsewhere}
    for place in places:
        assert names(media_stores, place) >= {"a.jpg"} | of("a")
    assert vars(media_stores.proof()) == {"uploads": len(places), "made": len(places)} | dict.fromkeys(
        ("quarantined", "arrived", "missing"), 0
    )
    media_stores.store.delete([f"{place}a.jpg" for place in places])
    assert media_stores.run().removed == len(places)
    assert media_stores.objects().keys() == {elsewhere}


BAD = {
    "zero.jpg": (b"", RefusalReason.EMPTY),
    "cut.jpg": (photo()[:300], RefusalReason.TRUNCATED),
    "page.jpg": (b"<html><script>alert(1)</script>", RefusalReason.NOT_AN_IMAGE),
    "draw.svg": (b"<svg onload='x'/>", RefusalReason.NOT_AN_IMAGE),
    "label.jpg": (photo(kind="PNG"), RefusalReason.MISLABELLED),
    "phone.heic": (b"\0\0\0\x18ftypheic", RefusalReason.UNSUPPORTED_FORMAT),
    "both.jpg": (photo() + b"<script>x</script>", RefusalReason.POLYGLOT),
    "bomb.png": (photos.bomb(), RefusalReason.TOO_MANY_PIXELS),
    "moves.png": (photos.animated("PNG"), RefusalReason.ANIMATED),
    "large.jpg": (b"\xff\xd8\xff" + bytes(20_000), RefusalReason.TOO_LARGE),
    "lost-medium.jpg": (photo(), RefusalReason.VARIANT_WITHOUT_UPLOAD),
    f"{'n' * 245}.jpg": (photo(), RefusalReason.NAME_TOO_LONG),
}


def test_what_is_refused_is_kept_apart_with_its_reason_and_not_tried_again(
    media_stores: MediaStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "MOST_BYTES", 20_000)
    for name, (data, _) in BAD.items():
        media_stores.put(name, data)
    media_stores.put("good.jpg", photo(picture(8, 8)))
    done = media_stores.run()
    assert done.made == 1
    assert media_stores.rows() == {f"{FOLDER}good.jpg": ("made", None, False)} | {
        f"{FOLDER}{name}": ("quarantined", reason.value, name != "zero.jpg") for name, (_, reason) in BAD.items()
    }
    assert dict(done.refused) == {row["reason"]: row["images"] for row in media_stores.ledger.by_reason()}
    assert [row.key for row in media_stores.ledger.in_quarantine("truncated")] == [f"{FOLDER}cut.jpg"]
    for name, (data, _) in BAD.items():
        assert media_stores.store.get(FOLDER + name) == b""
        assert name == "zero.jpg" or media_stores.store.get(naming.quarantined(FOLDER + name)) == data
    assert vars(media_stores.proof()) == {
        "uploads": len(BAD) + 1,
        "made": 1,
        "quarantined": len(BAD),
        "arrived": 0,
        "missing": 0,
    }
    again = media_stores.run()
    assert (again.marked, again.refused.total()) == (0, 0)


def test_a_replaced_upload_is_made_again_and_one_that_becomes_bad_loses_its_variants(media_stores: MediaStores) -> None:
    key = media_stores.put("a.jpg", photo(picture(40, 30)))
    media_stores.run()
    newer = photo(picture(30, 40, seed=8))
    media_stores.put("a.jpg", newer)
    assert media_stores.run().made == 1
    assert media_stores.store.get(f"{FOLDER}a-original.jpg") == variants.make(newer, "jpeg", MEDIA).variants["original"]
    media_stores.put("a.jpg", b"no image")
    assert media_stores.run().refused == {"not_an_image": 1}
    assert names(media_stores) == {"a.jpg"}
    media_stores.put("a.jpg", newer)
    assert media_stores.run().made == 1
    # Nothing of the refused one is kept once another took its place.
    assert media_stores.rows() == {key: ("made", None, False)}
    assert not media_stores.store.exists(naming.quarantined(key))


def test_variants_that_are_missing_or_were_touched_are_made_again(media_stores: MediaStores) -> None:
    media_stores.put("a.jpg", photo())
    media_stores.run()
    before = media_stores.objects()
    media_stores.store.delete(f"{FOLDER}a-medium.jpg")
    media_stores.put("a-thumbnail.jpg", b"touched")
    assert media_stores.proof().missing == 1
    assert media_stores.run().made == 1
    assert media_stores.objects() == before


def test_what_belongs_to_an_upload_goes_with_it(media_stores: MediaStores) -> None:
    media_stores.put("a.jpg", photo())
    bad = media_stores.put("b.jpg", b"no image")
    media_stores.put("c.jpg", photo())
    media_stores.run()
    media_stores.store.delete([f"{FOLDER}a.jpg", bad])
    done = media_stores.run()
    assert (done.removed, done.made) == (2, 0)
    assert names(media_stores) == {"c.jpg"} | of("c")
    assert not media_stores.store.exists(naming.quarantined(bad))
    assert media_stores.rows().keys() == {f"{FOLDER}c.jpg"}


def test_an_image_id_stands_for_one_upload(media_stores: MediaStores) -> None:
    first = media_stores.put("a.png", photo(kind="PNG"))
    media_stores.run()
    second = media_stores.put("a.jpg", photo(picture(20, 20)))
    before = media_stores.store.get(f"{FOLDER}a-original.jpg")
    assert media_stores.run().refused == {"image_id_taken": 1}
    assert media_stores.store.get(f"{FOLDER}a-original.jpg") == before
    # The refused one goes, the variants are the other's; then the other goes, and takes them along.
    media_stores.store.delete(second)
    assert media_stores.run().removed == 1
    assert names(media_stores) == {"a.png"} | of("a")
    media_stores.store.delete(first)
    media_stores.put("a.webp", photo(kind="WEBP"))
    done = media_stores.run()
    assert (done.removed, done.made) == (1, 1)
    assert names(media_stores) == {"a.webp"} | of("a")
    assert media_stores.proof().missing == 0


def laid_out(media_stores: MediaStores) -> None:
    """Uploads of every fate, some of them seen before."""
    media_stores.clear()
    media_stores.put("gone.jpg", photo(picture(8, 8)))
    media_stores.put("gone_bad.jpg", b"no image")
    media_stores.put("replaced.jpg", b"no image")
    media_stores.run()
    media_stores.store.delete([f"{FOLDER}gone.jpg", f"{FOLDER}gone_bad.jpg"])
    media_stores.put("replaced.jpg", photo(picture(8, 8), orientation=3))
    media_stores.put("good.jpg", photo(picture(8, 8)))
    media_stores.put("bad.jpg", photo(picture(8, 8))[:-9], OTHER)


def test_killed_before_any_operation_and_run_again_it_ends_the_same(
    media_stores: MediaStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "AT_ONCE", 1)
    laid_out(media_stores)
    media_stores.run()
    objects, rows = media_stores.objects(), media_stores.rows()
    assert {state for state, *_ in rows.values()} == {"made", "quarantined"}
    for at in count():
        laid_out(media_stores)
        death = Death(at)
        try:
            media_stores.run(before=death)
        except Killed:
            assert not any(
                data == b"" for key, data in media_stores.objects().items() if "good" in key or "replaced" in key
            )
        else:
            break
        media_stores.run()
        assert media_stores.objects() == objects, death.seen
        assert media_stores.rows() == rows, death.seen
    assert at > 40
    assert set(death.seen) >= {"put", "replace", "get", "head", "exists", "list", "delete", "copy", "execute"}


def test_two_at_once_end_as_one(media_stores: MediaStores) -> None:
    for turn in range(3):
        laid_out(media_stores)
        media_stores.run()
        wanted = media_stores.objects()
        laid_out(media_stores)
        both = [threading.Thread(target=media_stores.run, kwargs={"sweep": sweep}) for sweep in (True, turn == 1)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        assert media_stores.objects() == wanted
        assert media_stores.ledger.waiting()[0] == 0


@pytest.mark.parametrize("call", ["get", "replace", "put", "execute", "copy"])
@pytest.mark.parametrize("good", [True, False])
def test_an_upload_that_arrives_meanwhile_is_never_lost(media_stores: MediaStores, call: str, good: bool) -> None:
    media_stores.put("a.jpg", photo() if good else b"no image")
    newest = photo(picture(33, 44, seed=12))
    arrived: list[str] = []

    def arrive(name: str) -> None:
        if name == call and not arrived:
            arrived.append(media_stores.put("a.jpg", newest))

    media_stores.run(before=arrive)
    media_stores.run()
    media_stores.run()
    wanted = variants.make(newest if arrived else photo(), "jpeg", MEDIA)
    if arrived or good:
        assert media_stores.store.get(f"{FOLDER}a.jpg") == wanted.cleaned
        assert media_stores.store.get(f"{FOLDER}a-original.jpg") == wanted.variants["original"]
    assert media_stores.proof().missing == media_stores.ledger.waiting()[0] == 0


def test_a_store_that_fails_for_one_upload_stops_no_other_and_the_error_names_nobody(media_stores: MediaStores) -> None:
    media_stores.put("a.jpg", photo())
    media_stores.put("b.jpg", photo())
    failed: list[int] = []

    def fail(name: str) -> None:
        if name == "get" and not failed:
            failed.append(1)
            raise ObjectStoreError("get user-media/user-1/…: refused")

    with pytest.raises(make.MediaError) as caught:
        media_stores.run(before=fail)
    assert "user" not in str(caught.value)
    assert str(caught.value) == "1 upload not settled, still wanted: {'ObjectStoreError': 1}"
    assert media_stores.proof().made == 1
    assert media_stores.run().made == 1

    def unlisted(name: str) -> None:
        if name == "list":
            raise ObjectStoreError("list user-media/user-1")

    with pytest.raises(make.MediaError, match=r"^the object store failed: ObjectStoreError$"):
        media_stores.run(before=unlisted)


def test_looks_go_round_in_bounded_stretches_of_whole_folders(
    media_stores: MediaStores, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "STRETCH", 3)
    places = [f"user-media/u{user}/sessions/s{session}/" for user in range(3) for session in range(2)]
    for place in places:
        media_stores.put("a.jpg", b"x", place)
        media_stores.put("b.jpg", b"x", place)
    looks = [follow.follow(media_stores.store, media_stores.ledger, MEDIA, budget=4) for _ in range(6)]
    assert looks == [(4, 4)] * 3 + [(4, 0)] * 3
    media_stores.put("c.jpg", b"x", places[-1])
    assert [follow.follow(media_stores.store, media_stores.ledger, MEDIA, budget=4) for _ in range(3)] == [
        (4, 0),
        (4, 0),
        (5, 1),
    ]
    assert follow.follow(media_stores.store, media_stores.ledger, MEDIA, sweep=True) == (13, 0)
    media_stores.store.delete([f"{places[0]}a.jpg", f"{places[-1]}b.jpg"])
    assert follow.follow(media_stores.store, media_stores.ledger, MEDIA, sweep=True) == (11, 2)


@pytest.mark.parametrize("stretch", range(1, 5))
def test_a_folder_with_folders_in_it_is_never_parted(
    media_stores: MediaStores, monkeypatch: pytest.MonkeyPatch, stretch: int
) -> None:
    monkeypatch.setattr(follow, "STRETCH", stretch)
    # In the order of keys the folder a-n lies between the variants of a.
    for place in (FOLDER, f"{FOLDER}a-n/", f"{FOLDER}b/c/", OTHER):
        media_stores.put("a.jpg", photo(picture(8, 8)), place)
    media_stores.put("film.mp4", b"a film", f"{FOLDER}a-n/deep/")
    assert media_stores.run().made == 4
    assert (media_stores.run().marked, vars(media_stores.proof())["made"]) == (0, 4)
    for _ in range(8):
        assert follow.follow(media_stores.store, media_stores.ledger, MEDIA, budget=1)[1] == 0
