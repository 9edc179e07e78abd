"""Colour profiles (ICC): the numbers that define the colours, written again, and nothing else of the profile.

Texts, private tags, reserved fields and the bytes between tags are left out. A profile that is described in another way
than by curves and a matrix or a table (versions 2 and 4) is left out as a whole: the picture is shown without it.
"""

import struct
from collections.abc import Mapping

MOST_BYTES = 4 * 2**20
MOST_TAGS = 100
# Red, green, blue and grey, the white point and its adaptation; a table that leads to the connection space.
KEPT = (b"wtpt", b"chad", b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC", b"kTRC", b"A2B0")
ENOUGH = ({b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"}, {b"kTRC"}, {b"A2B0"})
CLASSES = {b"scnr", b"mntr", b"prtr", b"spac"}
CHANNELS = {b"GRAY": 1, b"RGB ": 3, b"CMYK": 4}
CONNECTION = {b"XYZ ", b"Lab "}
# Parameters of each type of a parametric curve.
PARAMETERS = (1, 3, 4, 5, 7)
WHITE = struct.pack(">3i", 0xF6D6, 0x10000, 0xD32D)  # D50


def rebuilt(profile: bytes) -> bytes | None:
    """The profile with nothing but its numbers; None where it cannot be read."""
    try:
        return _rebuilt(profile)
    except (struct.error, ValueError):
        return None


def _rebuilt(profile: bytes) -> bytes:
    (size,) = struct.unpack_from(">I", profile)
    if size > min(len(profile), MOST_BYTES) or profile[36:40] != b"acsp":
        raise ValueError("no profile")
    version, class_, space, connection = profile[8], profile[12:16], profile[16:20], profile[20:24]
    if version not in (2, 4) or class_ not in CLASSES or space not in CHANNELS or connection not in CONNECTION:
        raise ValueError("another kind of profile")
    (intent,) = struct.unpack_from(">I", profile, 64)
    tags = _tags(profile[:size], CHANNELS[space])
    if not any(wanted <= tags.keys() for wanted in ENOUGH):
        raise ValueError("no colours")
    head = struct.pack(">8xB3x4s4s4s12x4s24xI", version, class_, space, connection, b"acsp", intent % 4)
    return _built(head + WHITE, tags)


def _built(head: bytes, tags: Mapping[bytes, bytes]) -> bytes:
    """The file. Tags of the same content share it, as writers of profiles do."""
    table, bodies = b"", b""
    places: dict[bytes, int] = {}
    start = 128 + 4 + 12 * len(tags)
    for name, body in tags.items():
        if body not in places:
            places[body] = start + len(bodies)
            bodies += body + b"\0" * (-len(body) % 4)
        table += struct.pack(">4sII", name, places[body], len(body))
    file = head + b"\0" * (128 - len(head)) + struct.pack(">I", len(tags)) + table + bodies
    return struct.pack(">I", len(file)) + file[4:]


def _tags(profile: bytes, channels: int) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    if count > MOST_TAGS:
        raise ValueError("too many tags")
    found = {}
    for number in range(count):
        name, at, size = struct.unpack_from(">4sII", profile, 132 + 12 * number)
        if name in KEPT:
            found[name] = _written(profile[at : at + size], channels)
    return {name: found[name] for name in KEPT if name in found}


def _written(body: bytes, channels: int) -> bytes:
    """A tag's numbers in their form, up to the last one."""
    type_ = body[:4]
    if type_ == b"XYZ ":
        length = 12
    elif type_ == b"sf32":
        length = 36
    elif type_ == b"curv":
        length = 4 + 2 * struct.unpack_from(">I", body, 8)[0]
    elif type_ == b"para":
        (function,) = struct.unpack_from(">H", body, 8)
        if function >= len(PARAMETERS):
            raise ValueError("an unknown curve")
        parameters = struct.unpack_from(f">{PARAMETERS[function]}i", body, 12)
        return type_ + struct.pack(f">4xHxx{len(parameters)}i", function, *parameters)
    elif type_ in (b"mft1", b"mft2"):
        return _table(body, type_, channels)
    else:
        raise ValueError("another kind of tag")
    if len(body) < 8 + length:
        raise ValueError("a tag that was cut")
    return type_ + bytes(4) + body[8 : 8 + length]


def _table(body: bytes, type_: bytes, channels: int) -> bytes:
    """A table with its matrix and its curves before and after, of 8 or 16 bits."""
    inputs, outputs, points = struct.unpack_from(">3B", body, 8)
    if inputs != channels or outputs != 3 or points < 2:
        raise ValueError("a table of other channels")
    if type_ == b"mft1":
        head, width, before, after = body[12:48], 1, 256, 256
    else:
        before, after = struct.unpack_from(">2H", body, 48)
        head, width = body[12:52], 2
    numbers = width * (inputs * before + points**inputs * outputs + outputs * after)
    start = 12 + len(head)
    if len(body) < start + numbers:
        raise ValueError("a table that was cut")
    return type_ + struct.pack(">4x3Bx", inputs, outputs, points) + head + body[start : start + numbers]
