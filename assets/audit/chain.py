"""The chain of entries: read in its order, and verified against itself and against its heads in R2.

Who owns the table can write the whole chain again, with hashes that fit. That shows only by the heads, which lie in
another store under names that are never written twice. What does not belong here: the hash (entry.py), and where heads
lie (heads.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from assets.audit.entry import Entry, link
from resources.counts import counted
from resources.postgres import Connection, Postgres, stream
from resources.sql_files import read_sql

PAGE = 5_000
MOST_FAULTS = 100


class Head(NamedTuple):
    """An entry's number and hash. name: where it was written down; empty for the present one."""

    seq: int
    hash: bytes
    name: str = ""


NOTHING = Head(0, b"")
"""The head of a trail without entries."""


class Noted(NamedTuple):
    """An entry as it stands in the chain."""

    seq: int
    at: datetime
    entry: Entry
    hash: bytes


@dataclass
class Verified:
    """What a verification read and found wrong. head: the last entry that it read."""

    entries: int = 0
    heads: int = 0
    head: Head = NOTHING
    faults: list[str] = field(default_factory=list)


def head(connection: Connection) -> Head:
    """The newest entry; number 0 where there is none."""
    rows = connection.execute("select seq, hash from audit.entries order by seq desc limit 1").fetchall()
    return Head(rows[0]["seq"], bytes(rows[0]["hash"])) if rows else NOTHING


def verify(postgres: Postgres, heads: Iterable[Head]) -> Verified:
    """Read the whole chain as it is at one moment, and name what is wrong; at most 100 faults.

    heads: what was written down of it elsewhere, read before the chain is.
    """
    by_seq: dict[int, list[Head]] = defaultdict(list)
    for one in heads:
        by_seq[one.seq].append(one)
    done = Verified(heads=sum(map(len, by_seq.values())))
    with postgres.connection(one_moment=True) as connection:
        for noted in entries(connection):
            _compare(done, noted, by_seq.pop(noted.seq, ()))
            if len(done.faults) >= MOST_FAULTS:
                return done
    for seq, missing in sorted(by_seq.items()):
        end = "the trail ends before it" if seq > done.head.seq else "that entry is missing"
        done.faults += [f"{one.name} has entry {seq}: {end}" for one in missing]
    return done


def entries(connection: Connection) -> Iterator[Noted]:
    """Every entry in its order, page by page."""
    for page in stream(connection, read_sql("audit/chain.sql"), {"after": 0}, PAGE):
        yield from map(noted_of, page)


def noted_of(row: Mapping[str, Any]) -> Noted:
    """An entry from a row of the table."""
    names = ("app", "work", "act", "store", "place", "columns", "rows", "subject", "actor")
    return Noted(row["seq"], row["at"], Entry(*(row[name] for name in names)), bytes(row["hash"]))


def _compare(done: Verified, noted: Noted, heads: Iterable[Head]) -> None:
    before = done.head
    if missing := noted.seq - before.seq - 1:
        done.faults.append(
            f"{counted(missing, 'entry is', 'entries are')} missing before entry {noted.seq}"
            if missing > 0
            else f"entry {noted.seq} comes after entry {before.seq}"
        )
    if noted.hash != link(before.hash, noted.seq, noted.at, noted.entry):
        done.faults.append(f"entry {noted.seq} does not follow from the one before it: one of them was changed")
    done.faults += [
        f"{one.name} has another entry {one.seq}: the trail was written again"
        for one in heads
        if one.hash != noted.hash
    ]
    done.entries += 1
    done.head = Head(noted.seq, noted.hash)
