"""The ZIP of an export, written piece by piece: memory stays at one row.

What belongs here: its form. What does not: where the rows come from.
"""

import base64
import io
import json
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from decimal import Decimal

from assets.export.page import SHOWN_ROWS, Chapter, page
from assets.export.portion import Portion

PIECE = 2**20


class _Pipe(io.RawIOBase):
    """Takes what the ZIP writes, until it is fetched."""

    def __init__(self) -> None:
        super().__init__()
        self._data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        view = memoryview(data)  # type: ignore[arg-type]
        self._data += view
        return view.nbytes

    def fetched(self, least: int = 1) -> Iterator[bytes]:
        """What was written, if it is so many bytes."""
        if len(self._data) >= least:
            data, self._data = bytes(self._data), bytearray()
            yield data


def packed(title: str, at: datetime, portions: Iterable[Portion]) -> Iterator[bytes]:
    """The bytes of the ZIP. A portion without rows has no file."""
    pipe, chapters = _Pipe(), list[Chapter]()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as zipped:
        for portion in portions:
            chapters.append(chapter := Chapter(portion.name, portion.doc))
            chapter.files = len(portion.files)
            yield from _rows(zipped, pipe, portion, chapter, at)
            for name, chunks in portion.files.items():
                with zipped.open(_info(name, at), "w", force_zip64=True) as file:
                    for chunk in chunks():
                        file.write(chunk)
                        yield from pipe.fetched(PIECE)
        with zipped.open(_info("index.html", at), "w") as file:
            file.write(page(title, at, chapters).encode(errors="replace"))
    yield from pipe.fetched()


def _rows(zipped: zipfile.ZipFile, pipe: _Pipe, portion: Portion, chapter: Chapter, at: datetime) -> Iterator[bytes]:
    rows = iter(portion.rows)
    row = next(rows, None)
    if row is None:
        return
    with zipped.open(_info(f"{portion.name}.json", at), "w", force_zip64=True) as file:
        while row is not None:
            text = json.dumps(row, ensure_ascii=False, default=_plain)
            file.write((",\n" if chapter.rows else "[\n").encode() + text.encode(errors="replace"))
            chapter.rows += 1
            if len(chapter.first) < SHOWN_ROWS:
                chapter.first.append(row)
            yield from pipe.fetched(PIECE)
            row = next(rows, None)
        file.write(b"\n]\n")


def _info(name: str, at: datetime) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, at.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    # A file that its owner alone reads.
    info.external_attr = 0o600 << 16
    return info


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime | date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else repr(value)
