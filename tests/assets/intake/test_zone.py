"""Landing zones: keys, listings, and the bytes of an object as lines."""

import codecs
import gzip
import io
import random
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.cache import access_log
from assets.events import landing
from assets.intake.zone import PIECE_BYTES, UnreadableBatchError, Zone, blocks
from assets.points import landing as point_landing

ZONE, POINTS, ACCESS = landing.zone(CLEARLIFT), point_landing.zone(SESH), access_log.zone("sesh")


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)


@pytest.mark.parametrize("pack", [bytes, packed])
def test_a_batch_plain_or_packed_becomes_its_lines(pack: Callable[[bytes], bytes]) -> None:
    assert ZONE.lines(pack(b"a\nb\r\n\nc")) == [b"a", b"b\r", b"", b"c"]
    assert ZONE.lines(pack(b"")) == [b""]


def test_a_byte_order_mark_is_no_part_of_the_first_line() -> None:
    assert ZONE.lines(b"\xef\xbb\xbf{}\n\xef\xbb\xbf{}") == [b"{}", b"\xef\xbb\xbf{}"]
    assert ZONE.lines(packed(b"\xef\xbb\xbf{}")) == [b"{}"]


def test_other_line_ends_of_unicode_are_no_line_ends() -> None:
    content = "a\u2028b\x0bc\u0085d\n".encode()
    assert ZONE.lines(content) == [content[:-1], b""]


def test_appended_gzip_members_and_padding_are_one_batch() -> None:
    data = packed(b"a\nb") + packed(b"c\nd\n") + packed(b"") + packed(b"e") + b"\0" * 512
    assert ZONE.lines(data) == [b"a", b"bc", b"d", b"e"]


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
    data = b"".join(map(packed, contents))
    assert ZONE.lines(data) == gzip.decompress(data).removeprefix(b"\xef\xbb\xbf").split(b"\n")


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
    data = data[:at] + put + data[at + over :]
    try:
        expected = gzip.GzipFile(fileobj=io.BytesIO(data)).read()
    except (EOFError, zlib.error, gzip.BadGzipFile):
        with pytest.raises(UnreadableBatchError):
            ZONE.text(data)
        return
    try:
        found: bytes | str = ZONE.text(data)
    except UnreadableBatchError as error:
        found = str(error.__cause__)
    # Stricter than gzip in a header alone: zlib looks at its checksum and at the flags that mean nothing yet.
    assert found == expected.removeprefix(codecs.BOM_UTF8) or "header" in str(found)


def test_a_batch_cut_anywhere_is_unreadable() -> None:
    whole = packed(b"line\n" * 50)
    cuts = [whole[:n] for n in range(2, len(whole))] + [packed(b"first\n") + whole[:n] for n in range(1, len(whole))]
    for cut in cuts:
        with pytest.raises(UnreadableBatchError, match=r"gzip cut short|damaged gzip"):
            ZONE.lines(cut)


def test_a_damaged_batch_is_unreadable_and_not_quoted() -> None:
    data = bytearray(packed(b"secret line\n" * 50))
    data[15] ^= 0xFF
    for damaged in (bytes(data), packed(b"secret") + b"garbage", b"\x1f\x8b\xff\xff" + bytes(20)):
        with pytest.raises(UnreadableBatchError) as error:
            ZONE.lines(damaged)
        assert "secret" not in str(error.value)


def test_a_bomb_is_stopped_at_the_limit() -> None:
    zone = replace(ZONE, largest_batch=2**20)
    for fits in (packed(b"x" * 2**20), packed(b"x" * 2**19) * 2, packed(b"x" * 2**20) + packed(b"")):
        assert sum(map(len, zone.lines(fits))) == 2**20
    one_more = b"x" * (2**20 + 1)
    for bomb in (one_more, packed(one_more), packed(b"x" * 2**19) * 3, packed(b"x" * 2**20) + packed(b"x")):
        with pytest.raises(UnreadableBatchError, match="more than 1 MiB when unpacked"):
            zone.lines(bomb)


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
