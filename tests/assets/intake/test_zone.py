"""Landing zones: keys, listings, and the bytes of an object as lines."""

import codecs
import gzip
import io
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.cache import access_log
from assets.events import landing
from assets.intake import zone as zone_module
from assets.intake.zone import PIECE_BYTES, UnreadableBatchError, Zone, blocks, numbered
from assets.points import landing as point_landing

ZONE, POINTS, ACCESS = landing.zone(CLEARLIFT), point_landing.zone(SESH), access_log.zone("sesh")


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


def lines_of(data: bytes, zone: Zone = ZONE) -> list[bytes]:
    return zone.text(data).split(b"\n")


@pytest.mark.parametrize("pack", [bytes, packed])
def test_a_batch_plain_or_packed_becomes_its_lines(pack: Callable[[bytes], bytes]) -> None:
    assert lines_of(pack(b"a\nb\r\n\nc")) == [b"a", b"b\r", b"", b"c"]
    assert lines_of(pack(b"")) == [b""]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert lines_of(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}") == [b"{}", b"\xef\xbb\xbf{}"]
    assert lines_of(packed(b"\xef\xbb\xbf{}")) == [b"{}"]


def test_other_line_ends_of_unicode_are_no_line_ends() -> None:
    content = "a\u2028b\x0bc\u0085d\n".encode()
    assert lines_of(content) == [content[:-1], b""]


def test_appended_gzip_members_and_padding_are_one_batch() -> None:
    data = packed(b"a\nb") + packed(b"c\nd\n") + packed(b"") + packed(b"e") + b"\0" * 512
    assert lines_of(data) == [b"a", b"bc", b"d", b"e"]


@settings(max_examples=60)
@given(content=st.text("ab\n", max_size=30).map(str.encode), size=st.integers(1, 12))
def test_blocks_are_whole_lines_and_all_there_is(content: bytes, size: int) -> None:
    cut = list(blocks(content, size))

    assert b"".join(cut) == content
    assert all(cut)
    assert all(block.endswith(b"\n") for block in cut[:-1])
    assert all(len(block) <= size or b"\n" not in block[:-1] for block in cut)


@settings(max_examples=60)
@given(contents=st.lists(st.binary(max_size=40), min_size=1, max_size=4))
def test_any_members_are_read_as_gzip_does(contents: list[bytes]) -> None:
    assume(not b"".join(contents).lstrip(codecs.BOM_UTF8).lstrip().startswith(b"["))
    data = b"".join(map(packed, contents))
    assert lines_of(data) == gzip.decompress(data).removeprefix(b"\xef\xbb\xbf").split(b"\n")


def test_members_larger_than_a_piece_and_many_small_ones_are_read() -> None:
    large = random.Random(1).randbytes(3 * PIECE_BYTES)
    small = packed(b"x\n")
    data = small * 2_000 + b"\0" * PIECE_BYTES + packed(large) + small

    assert ZONE.text(data) == b"x\n" * 2_000 + large + b"x\n"
    with pytest.raises(UnreadableBatchError, match="gzip cut short"):
        ZONE.text(data[: -len(small) - 1])


def test_a_header_may_tell_a_name() -> None:
    content = io.BytesIO()
    with gzip.GzipFile("batch-05.ndjson", "wb", fileobj=content) as file:
        file.write(b"a\nb")

    assert ZONE.text(content.getvalue()) == b"a\nb"


@settings(max_examples=200)
@given(
    contents=st.lists(st.binary(max_size=40), min_size=1, max_size=3),
    at=st.integers(2, 150),
    put=st.binary(max_size=3) | st.integers(1, 30).map(bytes),
    over=st.integers(0, 3),
)
def test_nothing_is_read_otherwise_than_gzip_does(contents: list[bytes], at: int, put: bytes, over: int) -> None:
    data = b"".join(map(packed, contents))
    assume(b"[" not in b"".join(contents) + put)
    data = data[:at] + put + data[at + over :]
    stream, expected = gzip.GzipFile(fileobj=io.BytesIO(data)), b""
    try:
        while piece := stream.read1():
            expected += piece
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        if "Not a gzipped file" in str(error) and "(b'\\x1f')" not in str(error):
            # What is no gzip is further lines here, and a fault there.
            assert ZONE.text(data).startswith(expected.removeprefix(codecs.BOM_UTF8))
            return
        with pytest.raises(UnreadableBatchError):
            ZONE.text(data)
        return
    try:
        found: bytes | str = ZONE.text(data)
    except UnreadableBatchError as error:
        found = str(error.__cause__)
    # Stricter than gzip in a header alone: zlib looks at its checksum and at the flags that mean nothing yet.
    assert found == expected.removeprefix(codecs.BOM_UTF8) or "header" in str(found)


@pytest.mark.parametrize(
    ("rest", "lines"),
    [
        (b"\n", []),
        (b" \r\n\0\n", [b"\0"]),
        (b"garbage", [b"garbage"]),
        (b"\0\0garbage\x1f\x8b", [b"garbage\x1f\x8b"]),
        (b'{"plain": 1}\n{"lines": 2}\n', [b'{"plain": 1}', b'{"lines": 2}']),
    ],
)
@pytest.mark.parametrize("last", [b"a\nb", b"a\nb\n"])
def test_what_follows_the_gzip_is_further_lines(last: bytes, rest: bytes, lines: list[bytes]) -> None:
    found = ZONE.text(packed(b"first\n") + packed(last) + rest)

    assert [line for _, line in numbered(found)] == [b"first", b"a", b"b", *lines]
    assert [number for number, _ in numbered(found)][:3] == [1, 2, 3]


@pytest.mark.parametrize(
    "text",
    [
        b'[\n  {\n    "a": 1\n  }\n]\n',
        b'\n [\n{"a": 1},\n',
        b'[{"a": 1},\n{"b": 2}]',
        b'[{"a": 1}, {"b": 2}]\n\n',
        b"[]",
    ],
)
@pytest.mark.parametrize("pack", [bytes, packed])
def test_a_json_array_is_refused_as_what_it_is(text: bytes, pack: Callable[[bytes], bytes]) -> None:
    with pytest.raises(UnreadableBatchError, match="a JSON array; land one object a line"):
        ZONE.text(pack(text))


@pytest.mark.parametrize("text", [b'[1]\n{"a": 1}\n', b'[1]\n{"a": 1}\n[2]', b'{"a": [1]}', b'[" \n{"a": 1}', b""])
def test_lines_that_are_arrays_make_no_array_of_the_batch(text: bytes) -> None:
    assert ZONE.text(text) == text


@settings(max_examples=100)
@given(content=st.text("ab \n", max_size=40).map(str.encode), size=st.integers(1, 9), first=st.integers(1, 5))
def test_lines_keep_their_numbers(content: bytes, size: int, first: int) -> None:
    with patch.object(zone_module, "PIECE_BYTES", size):
        found = list(numbered(content, first))

    assert found == [(n, line) for n, line in enumerate(content.split(b"\n"), first) if line.strip()]


def test_a_batch_cut_anywhere_is_unreadable() -> None:
    whole = packed(b"line\n" * 50)
    cuts = [whole[:n] for n in range(2, len(whole))] + [packed(b"first\n") + whole[:n] for n in range(1, len(whole))]
    for cut in cuts:
        with pytest.raises(UnreadableBatchError, match=r"gzip cut short|damaged gzip"):
            lines_of(cut)


def test_a_damaged_batch_is_unreadable_and_not_quoted() -> None:
    data = bytearray(packed(b"secret line\n" * 50))
    data[15] ^= 0xFF
    for damaged in (bytes(data), packed(b"secret") + b"\x1f\x8bgarbage", b"\x1f\x8b\xff\xff" + bytes(20)):
        with pytest.raises(UnreadableBatchError) as error:
            lines_of(damaged)
        assert "secret" not in str(error.value)


def test_a_bomb_is_stopped_at_the_limit() -> None:
    zone = replace(ZONE, largest_batch=2**20)
    for fits in (packed(b"x" * 2**20), packed(b"x" * 2**19) * 2, packed(b"x" * 2**20) + packed(b"")):
        assert sum(map(len, lines_of(fits, zone))) == 2**20
    one_more = b"x" * (2**20 + 1)
    for bomb in (one_more, packed(one_more), packed(b"x" * 2**19) * 3, packed(b"x" * 2**20) + packed(b"x")):
        with pytest.raises(UnreadableBatchError, match="more than 1 MiB when unpacked"):
            zone.text(bomb)


@pytest.mark.parametrize(
    ("zone", "key", "expected"),
    [
        (ZONE, "landing/events/2025/10/10/09/batch-05.ndjson", True),
        (ZONE, "landing/events/2025/10/10/09/batch-05.ndjson.gz", True),
        (ZONE, "landing/events/2025/10/10/09/deeper/x.jsonl", True),
        (ZONE, "landing/events/2025/10/10/09/x.json", True),
        (ZONE, "landing/events/2025/10/10/09/x.parquet", False),
        (ZONE, "landing/events/2025/10/10/x.ndjson", False),
        (ZONE, "landing/events/README.json", False),
        (ZONE, "quarantine/events/2025/10/10/09/x.ndjson", False),
        (POINTS, "sesh/points/2026/11/21/04/a-0001.ndjson.gz", True),
        (POINTS, "sesh/points/2026/11/21/04/a-0001.jsonl", False),
        (POINTS, "sesh/points/2026/11/21/04/a-0001.csv", False),
        (POINTS, "sesh/points/a.ndjson", False),
        (ACCESS, "access/sesh/2026/11/21/04/any-name", True),
        (ACCESS, "access/sesh/README", False),
    ],
)
def test_a_batch_is_known_by_its_place_and_ending(zone: Zone, key: str, expected: bool) -> None:
    assert zone.is_batch(key) is expected


@pytest.mark.parametrize(
    ("zone", "start"),
    [
        (ZONE, "landing/events/2025/10/07/09"),
        (POINTS, "sesh/points/2025/10/10/03"),
        (ACCESS, "access/sesh/2025/10/02/09"),
    ],
)
def test_a_listing_starts_before_the_last_run(zone: Zone, start: str) -> None:
    last = datetime(2025, 10, 10, 9, 30, tzinfo=UTC)

    assert zone.listing_start(None) is None
    assert zone.listing_start(last) == start
    assert zone.hour_prefix(last - zone.overlap) + "a.ndjson" > start
    assert zone.hour_prefix(last - zone.overlap - timedelta(hours=1)) + "z.ndjson" < start
