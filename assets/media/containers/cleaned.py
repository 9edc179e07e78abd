"""What reading a file gives, and why one is refused."""

from dataclasses import dataclass
from enum import StrEnum


class Reason(StrEnum):
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
    NAME_TOO_LONG = "name_too_long"
    IMAGE_ID_TAKEN = "image_id_taken"
    VARIANT_WITHOUT_UPLOAD = "variant_without_upload"


class RefusedError(ValueError):
    """An upload that no variant is made of; the message is the reason alone."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


@dataclass(frozen=True)
class Cleaned:
    """A file without what is not the picture.

    data: its bytes. width, height: in pixels, as its header says and before its orientation is applied. orientation: as
    EXIF numbers them, 1 to 8. dropped: what followed the end of the image, or lay in comments.
    """

    data: bytes
    width: int
    height: int
    orientation: int
    dropped: bytes
