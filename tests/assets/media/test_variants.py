"""Variants: bounded, upright, in sRGB, on white, with nothing in them but the picture; the same bytes each time."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from assets.apps.sesh import APP as SESH
from assets.media import variants
from assets.media.containers import ImageRefusedError, RefusalReason
from assets.media.variants import Renditions
from tests.assets.media import photos
from tests.assets.media.photos import photo, picture
from tests.examples import examples

assert SESH.media is not None
MEDIA = SESH.media
FORMATS = {
    "JPEG": ("L", "RGB", "CMYK"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "WEBP": ("RGB", "RGBA"),
}
KINDS = st.sampled_from([(kind, mode) for kind, modes in FORMATS.items() for mode in modes])


def make(data: bytes, kind: str = "JPEG") -> Renditions:
    return variants.make(data, kind.lower(), MEDIA)


def colour(image: Image.Image, x: float, y: float) -> tuple[int, ...]:
    """At a place, in shares of width and height."""
    found = image.getpixel((int(image.width * x), int(image.height * y)))
    assert isinstance(found, tuple)
    return found


@examples(30, 300)
@given(
    kind_and_mode=KINDS,
    width=st.integers(1, 1_100),
    height=st.integers(1, 1_100),
    turned=st.none() | st.integers(1, 8),
    progressive=st.booleans(),
)
def test_every_variant_is_bounded_upright_and_bare(
    kind_and_mode: tuple[str, str], width: int, height: int, turned: int | None, progressive: bool
) -> None:
    kind, mode = kind_and_mode
    options = {"progressive": progressive} if kind == "JPEG" else {}
    data = photo(picture(width, height, mode), kind, turned, **options)
    made = make(data, kind)
    upright = (height, width) if turned in (5, 6, 7, 8) else (width, height)
    assert (made.width, made.height) == upright
    for name, bound in (("thumbnail", 200), ("medium", 800), ("original", 10_000)):
        image = photos.opened(made.variants[name])
        assert (image.format, image.mode) == ("JPEG", "RGB")
        assert max(image.size) == min(bound, max(upright))
        # The other side keeps the proportion to a pixel, two where it was rounded twice.
        assert abs(min(image.size) - min(upright) * max(image.size) / max(upright)) <= 2
        assert image.info.keys() <= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "progressive", "progression"}
        assert not any(secret in made.variants[name] for secret in photos.SECRETS)
    assert not any(secret in made.cleaned for secret in photos.SECRETS)
    assert make(data, kind) == made == make(made.cleaned, kind)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_each_quarter_is_where_a_viewer_would_show_it(kind: str, turned: int) -> None:
    data = photo(picture(160, 120), kind, turned)
    wanted = ImageOps.exif_transpose(photos.opened(data)).convert("RGB")
    found = photos.opened(make(data, kind).variants["original"])
    assert found.size == wanted.size
    for place in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
        pairs = zip(colour(found, *place), colour(wanted, *place), strict=True)
        assert all(abs(a - b) <= 12 for a, b in pairs)


def test_transparency_is_white_and_sixteen_bits_are_scaled() -> None:
    clear = photos.opened(make(photo(picture(mode="RGBA"), "PNG"), "PNG").variants["original"])
    assert colour(clear, 0.5, 0.5) == (255, 255, 255)
    deep = photos.opened(make(photo(picture(mode="I;16"), "PNG"), "PNG").variants["original"])
    assert all(abs(channel - (40_000 >> 8)) <= 1 for channel in colour(deep, 0.5, 0.5))


def test_colours_are_brought_to_srgb() -> None:
    image = Image.new("RGB", (32, 32), (0, 200, 0))
    plain, tagged = (
        photos.opened(make(photo(image, "PNG", icc_profile=profile), "PNG").variants["original"])
        for profile in (None, photos.swapped())
    )
    assert all(abs(a - b) <= 6 for a, b in zip(colour(plain, 0.5, 0.5), (0, 200, 0), strict=True))
    # The profile says that green is what sRGB calls blue.
    assert colour(tagged, 0.5, 0.5)[2] > 150 > colour(tagged, 0.5, 0.5)[1]
    assert "icc_profile" not in tagged.info


@pytest.mark.parametrize("profile", [b"no profile", b"\0" * 200])
def test_a_profile_that_cannot_be_read_is_left_out(profile: bytes) -> None:
    assert make(photo(icc_profile=profile)).variants == make(photo()).variants


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (photos.bomb(), "PNG"),
        (photos.bomb(70_000, 2), "PNG"),
        (photo(picture(8, 8)).replace(b"\x00\x11\x08\x00\x08\x00\x08", b"\x00\x11\x08\xff\xff\xff\xff"), "JPEG"),
    ],
)
def test_a_bomb_is_refused_before_a_pixel_is_decoded(monkeypatch: pytest.MonkeyPatch, data: bytes, kind: str) -> None:
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("opened"))
    with pytest.raises(ImageRefusedError, match="too_many_pixels"):
        make(data, kind)


def test_a_picture_that_cannot_be_decoded_is_refused() -> None:
    good = photo(picture(64, 64), "PNG")
    begin = good.index(b"IDAT") - 4
    broken = good[:begin] + photos.chunk(b"IDAT", b"not deflated") + good[-12:]
    with pytest.raises(ImageRefusedError) as caught:
        make(broken, "PNG")
    assert caught.value.reason is RefusalReason.DAMAGED


def test_a_phone_s_double_picture_is_its_first() -> None:
    """MPO: a JPEG with a second one behind it."""
    out = io.BytesIO()
    picture().save(out, "MPO", save_all=True, append_images=[picture(seed=9)], quality=92)
    assert photos.opened(out.getvalue()).format == "MPO"
    found = photos.opened(make(out.getvalue()).variants["original"])
    assert all(abs(a - b) <= 12 for a, b in zip(colour(found, 0.25, 0.25), colour(picture(), 0.25, 0.25), strict=True))
