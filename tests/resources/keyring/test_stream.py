"""Sealed streams: published vectors of the construction, and everything that can be done to one."""

import json
import zlib
from collections.abc import Iterator
from hashlib import sha512
from pathlib import Path

import pytest
from cryptography.cobblestone import Cobblestone256Decryptor
from cryptography.exceptions import InvalidTag
from hypothesis import given, settings
from hypothesis import strategies as st

from resources.keyring import Keyring, SealError
from resources.keyring.stream import HEAD_BYTES, Sealer, opened, sealed

# C2SP's own, which lie beside a checkout and are no part of it.
FILE = "c2sp_chunked_encryption_aes_256_gcm_test.json"
VECTORS = Path(__file__).resolve().parents[4] / "shared" / "data" / "wycheproof" / FILE
RING = Keyring({1: b"1" * 32, 7: b"7" * 32})
LABEL = "backup shop/d1/a/part-00001"
CHUNK = 16 * 1024


def whole(data: bytes, *, ring: Keyring = RING, label: str = LABEL) -> bytes:
    return b"".join(opened(ring, [data], label))


@pytest.mark.skipif(not VECTORS.is_file(), reason="C2SP's vectors are not beside this checkout")
def test_the_construction_is_the_published_one() -> None:
    (group,) = json.loads(VECTORS.read_text())["testGroups"]
    assert len(group["tests"]) == 35
    for vector in group["tests"]:
        ciphertext = zlib.decompress(bytes.fromhex(vector["ct"]))
        try:
            decryptor = Cobblestone256Decryptor(bytes.fromhex(vector["key"]), bytes.fromhex(vector["ctx"]))
            found = decryptor.update(ciphertext) + decryptor.finalize()
        except (InvalidTag, ValueError):
            assert vector["result"] == "invalid", vector["comment"]
        else:
            assert vector["result"] == "valid", vector["comment"]
            assert sha512(found).hexdigest() == vector["msgSha512"]


@settings(max_examples=40, derandomize=True)
@given(
    size=st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK]) | st.integers(0, 100_000),
    written=st.integers(1, 50_000),
    read=st.integers(1, 50_000),
)
def test_what_was_sealed_in_any_pieces_opens_in_any_pieces(size: int, written: int, read: int) -> None:
    data = (b"0123456789" * (size // 10 + 1))[:size]
    sealer = Sealer(RING, LABEL)
    stream = b"".join(sealer.update(data[n : n + written]) for n in range(0, size, written)) + sealer.finish()
    assert stream[1:HEAD_BYTES] == (7).to_bytes(4, "big"), "the newest key seals"
    pieces: Iterator[bytes] = (stream[n : n + read] for n in range(0, len(stream), read))
    assert b"".join(opened(RING, pieces, LABEL)) == data


def test_two_streams_of_the_same_bytes_have_nothing_in_common() -> None:
    first, second = (sealed(RING, b"x" * 100, LABEL)[HEAD_BYTES:] for _ in range(2))
    assert first[:16] != second[:16]
    assert first[-50:] != second[-50:]


def test_every_flipped_byte_of_a_stream_is_seen() -> None:
    data = sealed(RING, b"some bytes of somebody", LABEL)
    for position in range(len(data)):
        changed = bytearray(data)
        changed[position] ^= 1
        with pytest.raises(SealError):
            whole(bytes(changed))


def test_a_stream_that_was_cut_extended_or_reordered_does_not_open() -> None:
    data = sealed(RING, bytes(range(256)) * 256, LABEL)
    head, body = data[: HEAD_BYTES + 56], data[HEAD_BYTES + 56 :]
    size = CHUNK + 16
    chunks = [body[n : n + size] for n in range(0, len(body), size)]
    assert len(chunks) == 5
    for other in (
        *(data[:end] for end in range(100)),
        head + b"".join(chunks[:-1]),
        head + b"".join([chunks[1], chunks[0], *chunks[2:]]),
        head + b"".join([chunks[0], *chunks]),
        data + b"\0",
        data + data,
    ):
        with pytest.raises(SealError):
            whole(other)


def test_a_stream_opens_for_its_own_label_and_key_alone() -> None:
    data = sealed(RING, b"x", LABEL)
    with pytest.raises(SealError, match="backup shop/d1/a/part-00002: does not open with key 7"):
        whole(data, label="backup shop/d1/a/part-00002")
    with pytest.raises(SealError, match="sealed with key 7, which is not in the key set"):
        whole(data, ring=Keyring({1: b"1" * 32}))
    with pytest.raises(SealError, match="does not open with key 7"):
        whole(data, ring=Keyring({7: b"8" * 32}))
    assert whole(data, ring=Keyring({7: b"7" * 32, 9: b"9" * 32})) == b"x", "after a rotation, the old key opens it"
