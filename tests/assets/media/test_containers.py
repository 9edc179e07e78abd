"""Cleaning: the picture, its colours and its orientation stay; everything else goes; what is no image is refused."""

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms

from assets.media.containers import ImageRefusedError, RefusalReason, clean, image_format, orientation
from tests.assets.media import photos
from tests.assets.media.photos import photo, picture

KINDS = {"jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}
PHOTOS = {name: photo(picture(90, 60), format_, 6) for name, format_ in KINDS.items()}
ZIP = b"PK\x03\x04" + bytes(30) + b"PK\x05\x06" + bytes(18)


def in_srgb(image: Image.Image) -> bytes:
    """The pixels as the image's profile shows them."""
    profile = ImageCms.ImageCmsProfile(io.BytesIO(image.info["icc_profile"]))
    converted = ImageCms.profileToProfile(image.convert("RGB"), profile, ImageCms.createProfile("sRGB"))
    assert converted is not None
    return converted.tobytes()


def refused(data: bytes, promised: str) -> RefusalReason:
    with pytest.raises(ImageRefusedError) as caught:
        clean(data, promised)
    assert str(caught.value) == caught.value.reason.value
    return caught.value.reason


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("turned", range(1, 9))
def test_nothing_is_left_but_the_picture_and_how_to_turn_it(name: str, turned: int) -> None:
    data = photo(picture(40, 30), KINDS[name], turned, icc_profile=photos.srgb())
    assert any(secret in data for secret in photos.SECRETS)
    found = clean(data, name)
    assert not any(secret in found.data for secret in photos.SECRETS)
    assert (found.width, found.height, found.orientation) == (40, 30, turned)
    before, after = photos.opened(data), photos.opened(found.data)
    assert ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox() is None
    assert ImageCms.ImageCmsProfile(io.BytesIO(after.info["icc_profile"])).profile.red_colorant is not None
    assert in_srgb(after) == in_srgb(before)
    assert dict(after.getexif()) == ({photos.ORIENTATION: turned} if turned != 1 else {})
    assert dict(after.getexif().get_ifd(photos.GPS)) == {}
    assert clean(found.data, name) == type(found)(found.data, 40, 30, turned, b"")


@pytest.mark.parametrize("name", KINDS)
@given(data=st.data())
def test_a_damaged_file_is_refused_or_cleaned_for_good_and_never_more(name: str, data: st.DataObject) -> None:
    whole = bytearray(PHOTOS[name])
    for _ in range(data.draw(st.integers(0, 3))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(whole)) | st.just(len(whole)))
    try:
        once = clean(bytes(whole[:cut]) + data.draw(st.binary(max_size=20)), name)
    except ImageRefusedError:
        return
    again = clean(once.data, name)
    assert again.data == once.data
    assert (again.width, again.height, again.orientation) == (once.width, once.height, once.orientation)


def test_a_webp_whose_container_has_another_size_than_its_picture_is_refused() -> None:
    whole = bytearray(PHOTOS["webp"])
    assert whole[12:16] == b"VP8X"
    whole[25] += 1  # 256 pixels more in width
    assert refused(bytes(whole), "webp") == RefusalReason.DAMAGED


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_was_cut_is_refused_wherever_it_was_cut(name: str) -> None:
    whole = PHOTOS[name]
    # A JPEG without its end may have all of its scans.
    places = random.Random(3).sample(range(13, len(whole) - (3 if name == "jpeg" else 1)), 60)
    assert {refused(whole[:place], name) for place in places} == {RefusalReason.TRUNCATED}


@pytest.mark.parametrize("name", KINDS)
def test_what_a_phone_appends_is_dropped_and_what_others_would_run_is_refused(name: str) -> None:
    plain = clean(PHOTOS[name], name)
    motion = clean(PHOTOS[name] + b"\0\0\0\x18ftypmp42 the film", name)
    assert motion.data == plain.data
    for tail in (b"<html><script>", b"x <SVG onload=", b"<?php ", b"%PDF-1.7", b"<!DOCTYPE html>", ZIP):
        assert refused(PHOTOS[name] + tail, name) is RefusalReason.POLYGLOT


def test_active_content_in_a_comment_is_refused() -> None:
    assert refused(photo(comment=b"<script>alert(1)</script>"), "jpeg") is RefusalReason.POLYGLOT
    png = photo(kind="PNG")
    assert refused(png[:-12] + photos.chunk(b"tEXt", b"a\0<svg onload=x>") + png[-12:], "png") is RefusalReason.POLYGLOT


@pytest.mark.parametrize(
    ("data", "promised", "reason"),
    [
        (b"", "jpeg", RefusalReason.EMPTY),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "jpeg", RefusalReason.NOT_AN_IMAGE),
        (b"<!doctype html><p>hello", "png", RefusalReason.NOT_AN_IMAGE),
        (b"MZ\x90\0", "webp", RefusalReason.NOT_AN_IMAGE),
        (b"RIFF", "webp", RefusalReason.NOT_AN_IMAGE),
        (b"\0\0\0\x18ftypmp42", "jpeg", RefusalReason.NOT_AN_IMAGE),
        (PHOTOS["png"], "jpeg", RefusalReason.MISLABELLED),
        (PHOTOS["webp"], "png", RefusalReason.MISLABELLED),
        (b"\0\0\0\x18ftypheic", "jpeg", RefusalReason.MISLABELLED),
        (b"GIF89a", "jpeg", RefusalReason.MISLABELLED),
        (b"\0\0\0\x18ftypheic", "", RefusalReason.UNSUPPORTED_FORMAT),
        (b"\xff\xd8\xff", "jpeg", RefusalReason.TRUNCATED),
        (b"\xff\xd8\xff\xd9", "jpeg", RefusalReason.DAMAGED),
        (photos.animated("PNG"), "png", RefusalReason.ANIMATED),
        (photos.animated("WEBP"), "webp", RefusalReason.ANIMATED),
    ],
)
def test_what_is_not_what_its_name_promises_is_refused_with_a_reason(
    data: bytes, promised: str, reason: RefusalReason
) -> None:
    assert refused(data, promised) is reason


def test_a_jpeg_of_thousands_of_scans_is_refused() -> None:
    data = photo(picture(16, 16), progressive=True)
    scan = data.index(b"\xff\xda")
    assert refused(data[:-2] + data[scan:-2] * 200 + b"\xff\xd9", "jpeg") is RefusalReason.TOO_MANY_PARTS


@given(st.binary(max_size=80))
def test_no_bytes_confuse_the_reader_of_orientations(data: bytes) -> None:
    assert orientation.read(data) in range(1, 9)
    assert image_format(data) in {None, "jpeg", "png", "webp", "gif", "bmp", "tiff", "heif", "avif"}


@pytest.mark.parametrize("turned", range(1, 9))
def test_an_orientation_comes_back(turned: int) -> None:
    assert orientation.read(orientation.written(turned)) == turned
    assert orientation.read(photos.exif(turned).tobytes().removeprefix(b"Exif\0\0")) == turned
