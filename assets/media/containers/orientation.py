"""The only part of EXIF that belongs to the picture: how it must be turned."""

import struct

TAG = 0x0112
SHORT = 3
MOST_ENTRIES = 1_000


def read(exif: bytes) -> int:
    """The orientation (1 to 8) in a TIFF structure; 1 if none can be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None:
        return 1
    try:
        (at,) = struct.unpack_from(f"{order}I", exif, 4)
        (entries,) = struct.unpack_from(f"{order}H", exif, at)
        for number in range(min(entries, MOST_ENTRIES)):
            tag, type_, count, value = struct.unpack_from(f"{order}HHIH", exif, at + 2 + 12 * number)
            if tag == TAG:
                return int(value) if type_ == SHORT and count == 1 and 1 <= value <= 8 else 1
    except struct.error:
        pass
    return 1


def written(orientation: int) -> bytes:
    """A TIFF structure that holds an orientation and nothing else."""
    return b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, TAG, SHORT, 1, orientation, 0, 0)
