"""Microsoft's files: a ZIP of one CSV with a byte order mark, read line by line.

What does not belong here: what the lines say (bulk.py, reports.py).
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from typing import BinaryIO

from resources.ad_platforms.records import MalformedPageError


def unpacked(file: BinaryIO) -> Iterator[list[str]]:
    """The cells of each line; a MalformedPageError if the file cannot be read."""
    try:
        with zipfile.ZipFile(file) as folder:
            names = folder.namelist()
            if len(names) != 1:
                raise MalformedPageError(f"a ZIP of {len(names)} files")
            with folder.open(names[0]) as packed:
                yield from csv.reader(io.TextIOWrapper(packed, "utf-8-sig", newline=""), strict=True)
    except (zipfile.BadZipFile, csv.Error, UnicodeDecodeError, EOFError) as error:
        raise MalformedPageError(f"a file that cannot be unpacked ({type(error).__name__})") from None
