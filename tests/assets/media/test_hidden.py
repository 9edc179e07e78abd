"""Bytes that are no picture: what is hidden in any place of a file is in no byte of what is left."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from assets.media.containers import ImageRefusedError, clean
from tests.assets.media import containers_of, photos
from tests.assets.media.containers_of import Hide

NOISE = Image.fromarray(np.random.default_rng(5).integers(0, 255, (24, 40, 3), dtype=np.uint8))
PLACES: dict[tuple[str, str], Hide] = {
    **{("jpeg", place): hide for place, hide in containers_of.jpegs(NOISE).items()},
    **{("png", place): hide for place, hide in containers_of.pngs(NOISE).items()},
    **{("webp", place): hide for place, hide in containers_of.webps(NOISE).items()},
}
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "jpeg": [{}, {"progressive": True}, {"restart_marker_rows": 1}],
    "png": [{}],
    "webp": [{"lossless": True}, {"lossless": False}],
}
# Long and varied enough not to be there by chance.
MARK = b"MARKER-of-24-characters!"
HIDDEN = st.lists(st.integers(0, 255), min_size=12, max_size=40, unique=True).map(bytes)


# What is left of pictures in which nothing is hidden.
CLEAN = {
    kind: b"".join(clean(photos.photo(NOISE, kind.upper(), **options), kind).data for options in OPTIONS[kind])
    for kind in OPTIONS
}


def left(data: bytes, kind: str) -> bytes | None:
    """The cleaned file; None where it is refused for what others would run, or because the picture is broken."""
    try:
        return clean(data, kind).data
    except ImageRefusedError as refused:
        if refused.reason not in ("polyglot", "damaged", "truncated"):
            raise
        return None


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0]}: {place[1]}")
@settings(max_examples=6)
@given(hidden=HIDDEN | st.just(b"<script>alert(1)</script>") | st.just(MARK))
def test_what_is_hidden_in_a_place_is_in_no_byte_that_is_left(place: tuple[str, str], hidden: bytes) -> None:
    kind, _ = place
    # The first and last bytes may be the picture's own, as may be a sequence of its tables.
    middle = hidden[2:-2]
    assume(middle not in CLEAN[kind])
    found = left(PLACES[place](hidden), kind)
    if found is None:
        return
    assert middle not in found
    assert clean(found, kind).data == found
    if kind == "png" and "colours" not in place[1]:
        assert photos.opened(found).convert("RGB").tobytes() == NOISE.tobytes()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[0]}: {place[1]}")
def test_a_mark_of_letters_does_not_stop_a_picture(place: tuple[str, str]) -> None:
    assert MARK[2:-2] not in clean(PLACES[place](MARK), place[0]).data


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_is_taken_when_its_scans_are_complete_and_not_when_it_has_an_end(progressive: bool) -> None:
    whole = photos.photo(NOISE, progressive=progressive)
    assert clean(whole[:-2], "jpeg").data == clean(whole[:-1], "jpeg").data == clean(whole, "jpeg").data
    first = whole.index(b"\xff\xda")
    for stop in range(first + 20, len(whole) - 2, 7):
        with pytest.raises(ImageRefusedError, match=r"truncated|damaged"):
            clean(whole[:stop] + b"\xff\xd9", "jpeg")


def test_a_progressive_jpeg_that_ends_between_two_scans_is_half() -> None:
    whole = photos.photo(NOISE, progressive=True)
    scans = [at for at in range(len(whole)) if whole[at : at + 2] == b"\xff\xda"]
    tables = [whole.rindex(b"\xff\xc4", 0, scan) for scan in scans]
    assert len(scans) > 5
    for stop in (*tables[1:], *scans[1:]):
        with pytest.raises(ImageRefusedError, match="truncated"):
            clean(whole[:stop] + b"\xff\xd9", "jpeg")


def test_bytes_between_restarts_are_damage() -> None:
    whole = photos.photo(NOISE, restart_marker_rows=1)
    restart = whole.index(b"\xff\xd0", whole.index(b"\xff\xda"))
    with pytest.raises(ImageRefusedError, match="damaged"):
        clean(whole[:restart] + MARK + whole[restart:], "jpeg")
