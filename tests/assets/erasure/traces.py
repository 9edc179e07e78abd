"""A search for ids in every byte of a folder, as it lies there and decoded, that shares no code with what erases."""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq


def traces(folder: Path, *ids: str) -> list[str]:
    """The files below a folder that hold one of the ids, or are called by one."""
    return sorted(
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(_names(text, id_.encode()) for text in _texts(path) for id_ in ids)
    )


def _names(text: bytes, id_: bytes) -> bool:
    """In a text, a longer word is another id. In bytes, the next value may begin with a letter."""
    if b"\0" in text:
        return id_ in text
    return re.search(rb"(?<![\w-])%s(?![\w-])" % re.escape(id_), text) is not None


def _texts(path: Path) -> Iterator[bytes]:
    yield str(path).encode()
    content = path.read_bytes()
    yield content
    if path.suffix == ".parquet":
        for column in pq.ParquetFile(path).read().columns:
            yield "\n".join(map(str, column.unique().to_pylist())).encode()
    if content.startswith(b"\x1f\x8b"):
        content = gzip.decompress(content)
        yield content
    for line in content.splitlines() if b'"raw"' in content else ():
        yield base64.b64decode(json.loads(line)["raw"])
    if content.startswith(b"Obj\x01"):
        yield from _deflated(content)


def _deflated(content: bytes) -> Iterator[bytes]:
    """What can be unpacked of an Avro file, wherever a block may begin."""
    for at in range(len(content)):
        unpacker = zlib.decompressobj(wbits=-15)
        try:
            text = unpacker.decompress(content[at:])
        except zlib.error:
            continue
        if unpacker.eof and len(text) > 64:
            yield text
