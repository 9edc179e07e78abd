"""The result of reading a file, and the reasons for refusing one."""

from dataclasses import dataclass
from enum import StrEnum

# An image needs some ten bytes of memory a pixel while it is decoded, turned and encoded.
MOST_PIXELS = 50_000_000
# The limit of JPEG.
LONGEST_SIDE = 65_500


class RefusalReason(StrEnum):
    """Why an upload is in quarantine."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MANY_PARTS = "too_many_parts"
    TRUNCATED = "truncated"
    DAMAGED = "damaged"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    MISLABELLED = "mislabelled"
    POLYGLOT = "polyglot"
    ANIMATED = "animated"
    DECODER_CRASHED = "decoder_crashed"
    DECODER_TIMED_OUT = "decoder_timed_out"
    NAME_TOO_LONG = "name_too_long"
    IMAGE_ID_TAKEN = "image_id_taken"
    VARIANT_WITHOUT_UPLOAD = "variant_without_upload"


class ImageRefusedError(ValueError):
    """An upload that gets no variants; the message is the reason alone."""

    def __init__(self, reason: RefusalReason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Cleaned:
    """A file that holds nothing but the picture.

    data: its bytes. width, height: in pixels by the header, before the orientation is applied. orientation: 1 to 8 as
    in EXIF. dropped: the bytes after the end of the image, and those of comments.
    """

    data: bytes
    width: int
    height: int
    orientation: int
    dropped: bytes


def refuse_too_large(width: int, height: int) -> None:
    """Refuse a picture by its header, before a pixel of it is decoded."""
    if not width or not height:
        raise ImageRefusedError(RefusalReason.DAMAGED)
    if width * height > MOST_PIXELS or max(width, height) > LONGEST_SIDE:
        raise ImageRefusedError(RefusalReason.TOO_MANY_PIXELS)
