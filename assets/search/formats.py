"""What files of a known format hold that their bytes do not show: Avro, Parquet, PNG.

What belongs here: a file's parts, unpacked. What does not: what is searched for in them (layers.py).
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq
from pyiceberg.avro.codecs import AVRO_CODEC_KEY, KNOWN_CODECS
from pyiceberg.avro.decoder import new_decoder

PNG = b"\x89PNG\r\n\x1a\n"
BATCH_ROWS = 65_536
PIECE = 2**20
_LISTS = (pa.types.is_list, pa.types.is_large_list, pa.types.is_fixed_size_list)
_TEXTS = (
    pa.types.is_string,
    pa.types.is_large_string,
    pa.types.is_string_view,
    pa.types.is_binary,
    pa.types.is_large_binary,
    pa.types.is_binary_view,
    pa.types.is_fixed_size_binary,
)


class DamagedError(ValueError):
    """What is packed cannot be unpacked."""


def avro_blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The unpacked blocks of an Avro file, such as a manifest of Iceberg."""
    data = file.read()
    decoder = new_decoder(data)
    decoder.skip(4)
    head: dict[str, bytes] = {}
    while count := decoder.read_int():
        if count < 0:
            count = -count
            decoder.read_int()
        for _ in range(count):
            name = decoder.read_utf8()
            head[name] = decoder.read_bytes()
    sync = decoder.read(16)
    name = head.get(AVRO_CODEC_KEY, b"null").decode(errors="replace")
    if name not in KNOWN_CODECS:
        raise DamagedError("an unknown codec of Avro")
    codec = KNOWN_CODECS[name]
    while decoder.tell() < len(data):
        decoder.read_int()
        block = decoder.read_bytes()
        yield codec.decompress(block) if codec is not None else block
        if decoder.read(16) != sync:
            raise DamagedError("a block of Avro is cut")


def png_texts(file: IO[bytes]) -> Iterator[Iterator[bytes]]:
    """The packed texts and profiles of a PNG, each in pieces; those that are not packed are among its bytes."""
    file.seek(len(PNG))
    while len(begin := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", begin)
        chunk = file.read(size)
        _, _, rest = chunk.partition(b"\0")
        if kind in (b"zTXt", b"iCCP"):
            yield _inflated(rest[1:])
        if kind == b"iTXt" and rest[:1] == b"\x01":
            yield _inflated(rest[2:].split(b"\0", 2)[-1])
        file.seek(4, io.SEEK_CUR)


def _inflated(data: bytes) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    while data and not unpacker.eof:
        yield unpacker.decompress(data, PIECE)
        data = unpacker.unconsumed_tail
    yield unpacker.flush()


def parquet_values(file: IO[bytes]) -> Iterator[pa.LargeBinaryArray]:
    """The texts and bytes of a Parquet file, column by column. Its statistics are not packed: its bytes show them."""
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches(BATCH_ROWS, use_threads=False):
            for array in batch.columns:
                yield from _leaves(array)


def _leaves(array: Any) -> Iterator[pa.LargeBinaryArray]:
    """The texts and bytes of a column, those inside of lists and structures too."""
    kind = array.type
    if pa.types.is_dictionary(kind):
        yield from _leaves(array.dictionary)
    elif pa.types.is_struct(kind):
        for field in array.flatten():
            yield from _leaves(field)
    elif pa.types.is_map(kind):
        yield from _leaves(array.keys)
        yield from _leaves(array.items)
    elif any(is_list(kind) for is_list in _LISTS):
        yield from _leaves(array.flatten())
    elif any(is_text(kind) for is_text in _TEXTS):
        yield array.cast(pa.large_binary())
