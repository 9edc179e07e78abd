"""A file of corrected lines, as a person gives it: NDJSON in UTF-8, plain or gzip. It is checked before anything lands.

What does not belong here: whether its lines are good events or points; the ingest judges that.
"""

import codecs
import gzip
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import msgspec

from resources.declined import DeclinedError

LONGEST_LINE = 64 * 2**20

_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


class CorrectionError(DeclinedError):
    """A file cannot be a correction, or has too few lines. The message quotes no line."""


@dataclass(frozen=True)
class Correction:
    """A checked file, and how many lines it has. Iterating gives the lines without their line ends."""

    file: Path
    lines: int

    @classmethod
    def of(cls, file: Path) -> Self:
        """Read a file through and check each line.

        Raises:
            CorrectionError: it has no lines, or is neither NDJSON in UTF-8 nor gzip of it.
        """
        lines = 0
        for number, line in _numbered(file):
            if len(line) > LONGEST_LINE:
                raise CorrectionError(f"{file}: line {number} is longer than {LONGEST_LINE >> 20} MiB", "shorten it")
            try:
                line.decode()
                _OBJECT.decode(line)
            except UnicodeDecodeError:
                raise CorrectionError(f"{file}: line {number} is not UTF-8", "give NDJSON, plain or gzip") from None
            except (msgspec.MsgspecError, RecursionError):
                raise CorrectionError(
                    f"{file}: line {number} is no JSON object", "give NDJSON, plain or gzip, one object a line"
                ) from None
            lines += 1
        if not lines:
            raise CorrectionError(f"{file} is empty", "give the corrected lines")
        return cls(file, lines)

    def __iter__(self) -> Iterator[bytes]:
        return (line for _, line in _numbered(self.file))


def _numbered(file: Path) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers."""
    with file.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    with gzip.open(file) if packed else file.open("rb") as content:
        number = 0
        try:
            # A line that is too long ends here, in a file without line ends too.
            while line := content.readline(LONGEST_LINE + 2):
                number += 1
                bare = line.removesuffix(b"\n")
                if number == 1:
                    bare = bare.removeprefix(codecs.BOM_UTF8)
                if bare.strip():
                    yield number, bare
        except (EOFError, zlib.error, gzip.BadGzipFile):
            raise CorrectionError(f"{file} is a damaged gzip file", "give NDJSON, plain or gzip") from None
