"""The containers of image files: what a file holds, and the same file cleaned. Pure.

Cleaning keeps the picture without loss, the numbers of its colour profile and its orientation. It drops everything
else: EXIF, GPS, XMP, comments, embedded previews, texts in profiles, and all bytes after the end of the picture, also
within its coded data. Each format is read to the end of the picture. Cleaning a cleaned file changes nothing.
"""

import re

from assets.media.containers import jpeg, png, webp
from assets.media.containers.cleaned import Cleaned, ImageRefusedError, RefusalReason

READERS = {"jpeg": jpeg.clean, "png": png.clean, "webp": webp.clean}

# The first bytes of files, and the name of their format.
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
# Texts that browsers and interpreters execute when they follow an image or lie in its comments.
_ACTIVE = re.compile(rb"<(svg|html|script|iframe|body)[\s>]|<!doctype\s+html|<\?php|%pdf-1", re.IGNORECASE)

__all__ = ["Cleaned", "ImageRefusedError", "RefusalReason", "clean", "image_format"]


def image_format(data: bytes) -> str | None:
    """The image format that the first bytes show; None if it is not an image."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[4:8] == b"ftyp":
        return _IMAGE_BRANDS.get(data[8:12])
    return next((name for start, name in _SIGNATURES if data.startswith(start)), None)


def clean(data: bytes, promised: str) -> Cleaned:
    """Read and clean a file whose name promises a format (`jpeg`, `png`, `webp`; empty: one that is not accepted).

    Raises:
        ImageRefusedError: it is not what its name promises, or it could do harm; says why.
    """
    if not data:
        raise ImageRefusedError(RefusalReason.EMPTY)
    actual = image_format(data)
    if actual is None:
        raise ImageRefusedError(RefusalReason.NOT_AN_IMAGE)
    if not promised:
        raise ImageRefusedError(RefusalReason.UNSUPPORTED_FORMAT)
    if actual != promised:
        raise ImageRefusedError(RefusalReason.MISLABELLED)
    cleaned = READERS[actual](data)
    # Data that phones append (motion, depth, previews) is dropped. A file that another program would run is refused.
    if _ACTIVE.search(cleaned.dropped) or _is_archive(cleaned.dropped):
        raise ImageRefusedError(RefusalReason.POLYGLOT)
    return cleaned


def _is_archive(data: bytes) -> bool:
    """Whether a ZIP is in it: both a first entry and an end, because four bytes alone may occur by chance."""
    return data.find(b"PK\x05\x06", max(data.find(b"PK\x03\x04"), 0)) > 0 and b"PK\x03\x04" in data
