"""Image files as their formats build them: what is in one, without decoding a pixel, and the same file cleaned.

Cleaning keeps every byte of the picture itself, its colour profile and its orientation, and drops everything else:
EXIF, GPS, XMP, comments, embedded previews, and whatever follows the end of the image. A cleaned file cleaned again is
the same file. Pure.
"""

import re

from assets.media.containers import jpeg, png, webp
from assets.media.containers.cleaned import Cleaned, Reason, RefusedError

READERS = {"jpeg": jpeg.clean, "png": png.clean, "webp": webp.clean}

# The first bytes of what is uploaded under an image's name, and what to call it.
_SIGNATURES = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"BM", "bmp"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
)
_IMAGE_BRANDS = {b"heic": "heif", b"heix": "heif", b"mif1": "heif", b"msf1": "heif", b"hevc": "heif", b"avif": "avif"}
# What browsers and interpreters take for theirs when it follows an image or lies in a comment of one.
_ACTIVE = re.compile(rb"<(svg|html|script|iframe|body)[\s>]|<!doctype\s+html|<\?php|%pdf-1", re.IGNORECASE)

__all__ = ["Cleaned", "Reason", "RefusedError", "clean", "kind"]


def kind(data: bytes) -> str | None:
    """The kind of image that the first bytes say; None for no image."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return _IMAGE_BRANDS.get(data[8:12])
    return next((name for start, name in _SIGNATURES if data.startswith(start)), None)


def clean(data: bytes, promised: str) -> Cleaned:
    """Read a file whose name promises a format (`jpeg`, `png`, `webp`; empty: one that is not taken).

    Raises:
        RefusedError: it is not what it should be; says why.
    """
    if not data:
        raise RefusedError(Reason.EMPTY)
    found = kind(data)
    if found is None:
        raise RefusedError(Reason.NOT_AN_IMAGE)
    if not promised:
        raise RefusedError(Reason.UNSUPPORTED_FORMAT)
    if found != promised:
        raise RefusedError(Reason.MISLABELLED)
    cleaned = READERS[found](data)
    # What a phone appends (motion, depth, previews) is dropped; what another program would run is not touched at all.
    if _ACTIVE.search(cleaned.dropped) or _is_archive(cleaned.dropped):
        raise RefusedError(Reason.POLYGLOT)
    return cleaned


def _is_archive(data: bytes) -> bool:
    """Whether there is a ZIP in it: a first entry and an end, which four bytes by chance are not."""
    return data.find(b"PK\x05\x06", max(data.find(b"PK\x03\x04"), 0)) > 0 and b"PK\x03\x04" in data
