"""Hashes of a column of data files, kept in a file of this machine, so that a far store is not asked for them again.

It is a copy: what it does not know is read from the data file, so that it may be deleted or damaged at any time. It is
never out of date, because the path of a data file never comes again. What does not belong here: what is hashed.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import numpy.typing as npt

from resources import private
from resources.chunks import chunked

Hashes = npt.NDArray[np.uint64]
_Row = tuple[str, int, bytes]
# Files that compaction or erasure replaced are not asked for again. A day that nothing fell on for so long is read
# once.
UNUSED_DAYS = 7
BUSY_SECONDS = 60
# Asked for at once: a file of a day has some 350 KB of hashes where it has 43,200 events.
_FILES = 100
_TABLE = """
create table if not exists hashes (
    path text primary key, mark text not null, used text not null, checksum integer not null, hashes blob not null
)
"""
# Without it, to forget what is old would read a page a file each time.
_INDEX = "create index if not exists hashes_by_use on hashes (used)"
_READ = "select path, checksum, hashes from hashes where mark = ? and path in ({})"
_USE = "update hashes set used = ? where used <> ? and path in ({})"
_KEEP = "insert or replace into hashes (path, mark, used, checksum, hashes) values (?, ?, ?, ?, ?)"


@dataclass(frozen=True)
class KeptHashes:
    """The hashes by path of a data file, in a SQLite file. mark: names the hash; those of another one are not known.

    Several processes may use the file at once. A file that is damaged is deleted, and one that cannot be used keeps
    nothing: no error of it leaves this class.
    """

    file: Path
    mark: str
    today: Callable[[], date]

    def of(self, paths: Iterable[str]) -> Iterator[tuple[str, Hashes]]:
        """What is known of some files, sorted, one file after another."""
        today = self.today().isoformat()
        for some in chunked(paths, _FILES):
            places = ", ".join("?" * len(some))

            def read(file: sqlite3.Connection, some: Sequence[str] = some, places: str = places) -> list[_Row]:
                rows = file.execute(_READ.format(places), [self.mark, *some]).fetchall()
                file.execute(_USE.format(places), [today, today, *some])
                return rows

            for path, checksum, content in self._asked(read):
                # A page of another moment may be left after a power cut, and a wrong hash would store an event twice.
                if checksum == _checksum(path, content):
                    yield path, np.frombuffer(content, np.uint64)

    def keep(self, hashes: Mapping[str, Hashes]) -> None:
        """Keep the sorted hashes of some files, and forget those of files that nobody asked for in the last days."""
        today = self.today()
        contents = ((path, of.tobytes()) for path, of in hashes.items())
        rows = ((path, self.mark, today.isoformat(), _checksum(path, some), some) for path, some in contents)

        def write(file: sqlite3.Connection) -> list[_Row]:
            file.executemany(_KEEP, rows)
            file.execute("delete from hashes where used < ?", [(today - timedelta(days=UNUSED_DAYS)).isoformat()])
            return []

        self._asked(write)

    def _asked(self, work: Callable[[sqlite3.Connection], list[_Row]]) -> list[_Row]:
        """The rows of `work`, in one transaction; none where the file cannot be used."""
        try:
            with closing(self._opened()) as file, file:
                return work(file)
        except (sqlite3.OperationalError, OSError):
            return []  # it is busy, or the disk is full
        except sqlite3.DatabaseError:
            for ending in ("", "-wal", "-shm"):
                self.file.with_name(self.file.name + ending).unlink(missing_ok=True)
            return []

    def _opened(self) -> sqlite3.Connection:
        private.make_file(self.file)
        connection = sqlite3.connect(self.file, timeout=BUSY_SECONDS)
        try:
            connection.execute("pragma journal_mode = wal")
            # What a power cut takes is read again, so that no write waits for the disk.
            connection.execute("pragma synchronous = off")
            connection.execute(_TABLE)
            connection.execute(_INDEX)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _checksum(path: str, content: bytes) -> int:
    return zlib.crc32(content, zlib.crc32(path.encode()))
