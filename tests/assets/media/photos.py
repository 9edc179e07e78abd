"""Pictures of every kind that people upload, and what they upload instead. The same arguments give the same bytes."""

import io
import random
import struct
import zlib
from functools import cache
from typing import Any

from PIL import Image, ImageCms

GPS = 0x8825
MAKE = 0x010F
ORIENTATION = 0x0112
# What must be found in no byte that is left.
SECRETS = (b"CameraMaker", b"52.5200", b"hidden words")


def picture(width: int = 64, height: int = 48, mode: str = "RGB", seed: int = 7) -> Image.Image:
    """Four flat quarters in colours of their own, so that turning shows."""
    chance = random.Random(seed)
    colours = [tuple(chance.randrange(256) for _ in range(3)) for _ in range(4)]
    image = Image.new("RGB", (width, height))
    for number, colour in enumerate(colours):
        left, top = (number % 2) * (width // 2), (number // 2) * (height // 2)
        image.paste(colour, (left, top, width if number % 2 else width // 2, height if number > 1 else height // 2))
    if mode.startswith("I;16"):
        return Image.frombytes("I;16", (width, height), struct.pack("<H", 40_000) * (width * height))
    if mode == "RGBA":
        image.putalpha(Image.new("L", (width, height), 0))
        return image
    return image.convert(mode)


def exif(orientation: int | None = None) -> Image.Exif:
    """A camera's, with where it was."""
    found = Image.Exif()
    found[MAKE] = "CameraMaker"
    if orientation is not None:
        found[ORIENTATION] = orientation
    found.get_ifd(GPS).update({1: "N", 2: (52.0, 31.0, 12.0), 29: "52.5200"})
    return found


def photo(
    image: Image.Image | None = None, kind: str = "JPEG", orientation: int | None = None, **options: Any
) -> bytes:
    """A file with a camera's metadata, and a comment where the format has one."""
    out = io.BytesIO()
    if kind == "JPEG":
        options = {"quality": 92, "comment": b"hidden words", **options}
    if kind == "WEBP":
        options = {"lossless": True, "xmp": b"<x:xmpmeta>hidden words</x:xmpmeta>", **options}
    (image or picture()).save(out, kind, exif=exif(orientation), **options)
    data = out.getvalue()
    return data[:-12] + chunk(b"tEXt", b"Comment\0hidden words") + data[-12:] if kind == "PNG" else data


def chunk(name: bytes, body: bytes) -> bytes:
    """A chunk of a PNG."""
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A PNG of a few bytes that says it has billions of pixels."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0" * 10_000)) + chunk(b"IEND", b"")


def animated(kind: str) -> bytes:
    """Two frames."""
    out = io.BytesIO()
    picture().save(out, kind, save_all=True, append_images=[picture(seed=8)])
    return out.getvalue()


@cache
def srgb() -> bytes:
    """A colour profile. One made a second later says so."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped() -> bytes:
    """A colour profile in which green and blue have changed places: their tags name each other's colours."""
    profile = srgb()
    return profile.replace(b"gXYZ", b"????", 1).replace(b"bXYZ", b"gXYZ", 1).replace(b"????", b"bXYZ", 1)


def opened(data: bytes) -> Image.Image:
    """Decoded whole."""
    image = Image.open(io.BytesIO(data))
    image.load()
    return image
