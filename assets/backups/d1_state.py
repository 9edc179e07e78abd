"""A D1 as it was at a position, built on this machine from a chain of sets.

What belongs here: reading sets, cutting and netting their log, leaving out what nobody wants back. What does not: where
the rows go then (d1_place.py).
"""

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import takewhile

from assets.backups import parts
from assets.backups.d1_log import LOG, NOT_BACKED_UP, Entry, is_ours
from assets.backups.manifest import FormError, Manifest, Table
from assets.backups.method import At, Chain, NotRestorableError
from assets.backups.target import Target
from assets.rows.lines import CHECKSUM_MODULUS, checksum
from resources.chunks import chunked
from resources.d1.images import canonical, canonical_text, is_too_long, values, written
from resources.d1.pages import Query, table_pages
from resources.d1.schema import Schema, TableShape
from resources.d1.scratch import Scratch

SCHEMA = "schema"
LONG_ROWS = "long rows"
SEQUENCES = "sequences"
_CHUNK = 1_000


def rows_file(table: str) -> str:
    """The name of the file of a table's rows in a full set."""
    return f"rows of {table}"


@dataclass
class Tally:
    """Rows by table, and the checksum of their canonical images, which does not depend on their order."""

    rows: Counter[str] = field(default_factory=Counter)
    checksums: Counter[str] = field(default_factory=Counter)

    def add(self, table: str, lines: Sequence[bytes]) -> None:
        """Count rows by their images."""
        self.rows[table] += len(lines)
        self.checksums[table] += checksum(canonical_text(lines))

    def tables(self, names: Sequence[str]) -> tuple[Table, ...]:
        """What was counted of these tables, as manifests have it."""
        return tuple(
            Table(name=name, rows=self.rows[name], checksum=f"{self.checksums[name] % CHECKSUM_MODULUS:032x}")
            for name in names
        )


def counted(query: Query, tables: Sequence[TableShape]) -> tuple[Table, ...]:
    """What a database has now of these tables."""
    tally = Tally()
    for table in tables:
        for lines in table_pages(query, table):
            tally.add(table.name, lines)
    return tally.tables([table.name for table in tables])


@dataclass
class State:
    """The database at a position. tables: what the bytes of the sets say that it has."""

    scratch: Scratch
    until: int
    moment: datetime
    tables: tuple[Table, ...]


@contextmanager
def built(target: Target, chain: Chain, at: At | None, wanted: Callable[[str], bool]) -> Iterator[State]:
    """The database at `at` with the rows of the wanted tables, without indexes and what comes after them.

    Raises:
        DamagedSetError: a part is not what was written.
        NotRestorableError: a row was too long for the log at that position.
    """
    schema = schema_of(target, chain[0])
    tables = {name: t for name, t in schema.tables.items() if name not in NOT_BACKED_UP and wanted(name)}
    with Scratch(schema.without(is_ours)) as scratch:
        scratch.execute("attach '' as net")
        scratch.execute("create table net.entries (name, key, image, primary key (name, key)) without rowid")
        until, moment = _net(target, chain, at, scratch, tables)
        tally = Tally()
        for table in tables.values():
            _load(target, chain[0], table, scratch, tally)
        scratch.execute("drop table net.entries")
        numbers = json.loads(chain[-1].fact(SEQUENCES))
        scratch.set_sequences({name: number for name, number in numbers.items() if scratch.schema.tables.get(name)})
        yield State(scratch, until, moment, tally.tables(list(tables)))


def schema_of(target: Target, full: Manifest) -> Schema:
    """The schema that a full set holds; FormError for another form of it."""
    try:
        return Schema.parse(b"".join(parts.read(target, full, SCHEMA)))
    except (TypeError, ValueError):
        raise FormError(full, SCHEMA) from None


def _net(
    target: Target, chain: Chain, at: At | None, scratch: Scratch, tables: Collection[str]
) -> tuple[int, datetime]:
    """Put the last image of each key up to `at` into `net.entries`; the position that was reached, and its time."""
    until, moment = int(chain[0].until), chain[0].moment
    for number, manifest in enumerate(chain):
        long_rows = dict(line.split(b"\t", 1) for line in _lines(target, manifest, LONG_ROWS))
        entries: Iterator[Entry] = (Entry.parse(line) for line in _lines(target, manifest, LOG))
        if number:
            # Of times that step back, the first one that is too late counts.
            entries = takewhile(lambda entry: _is_reached(entry, at), entries)
        for chunk in chunked(entries, _CHUNK):
            scratch.execute_many(
                "insert or replace into net.entries values (?, ?, ?)",
                [
                    (entry.table, _in_full(entry.key), long_rows.get(b"%d" % entry.id, entry.image))
                    for entry in chunk
                    if entry.table in tables
                ],
            )
            if number:
                until, moment = chunk[-1].id, chunk[-1].at
        if until < int(manifest.until):
            break
        moment = manifest.moment
    return until, moment


def _is_reached(entry: Entry, at: At | None) -> bool:
    if at is None:
        return True
    return entry.at <= at if isinstance(at, datetime) else entry.id <= int(at)


def _in_full(key: bytes) -> bytes:
    """A key of the log as `_key` gives that of an image."""
    return canonical(b"[" + key + b"]")


def _key(line: bytes) -> bytes:
    return written(values(line)[:1])


def _load(target: Target, full: Manifest, table: TableShape, scratch: Scratch, tally: Tally) -> None:
    """Put a table's rows into the scratch: as they were read, or as the log has them where it names their key."""
    is_named = bool(scratch.query("select 1 as one from net.entries where name = ? limit 1", [table.name]))
    for lines in chunked(_lines(target, full, rows_file(table.name)), _CHUNK):
        if is_named:
            named = _named(scratch, table.name, [_key(line) for line in lines])
            lines = [line for line, is_one in zip(lines, named, strict=True) if not is_one]
        tally.add(table.name, lines)
        scratch.put(table, lines)
    after: bytes = b""
    page = "select key, image from net.entries where name = ? and key > ? order by key limit ?"
    while rows := scratch.query(page, [table.name, after, _CHUNK]):
        images = [row["image"] for row in rows if row["image"] is not None]
        if any(map(is_too_long, images)):
            raise NotRestorableError(
                f"at this position, a row of {table.name} is too long for the log",
                "restore the end of a set; `clearlift backup list` shows their positions",
            )
        tally.add(table.name, images)
        scratch.put(table, images)
        after = rows[-1]["key"]


def _named(scratch: Scratch, table: str, keys: Sequence[bytes]) -> list[bool]:
    find = "select 1 as one from net.entries where name = ? and key = ?"
    return [bool(scratch.query(find, [table, key])) for key in keys]


def _lines(target: Target, manifest: Manifest, file: str) -> Iterator[bytes]:
    rest = b""
    for chunk in parts.read(target, manifest, file):
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines
    assert not rest, "every line ends with a newline"
