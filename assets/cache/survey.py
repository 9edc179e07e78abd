"""What a family wants, set beside what the index says of KV: the keys that are due, ranked by demand, under a budget.

Everything here lives in temporary tables of one transaction; values wait in the spool. Nothing is written to KV.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from assets.cache import delta
from assets.cache.pages import UnpageableError, paged
from assets.cache.spool import Spool
from assets.cache.wanted import Family, FamilyError, Sources, draw
from resources.kv import Entry, KVError
from resources.kv.limits import MAX_VALUE_BYTES, check_entry, shown
from resources.postgres import Connection, copy_in
from resources.sql_files import read_sql

COLUMNS = ("key", "page_of", "tenant", "hash", "bytes", "position")
EXAMPLES = 10


@dataclass
class Refusals:
    """Values and keys that KV cannot hold: how many, and the first reasons, each with its key."""

    number: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, reason: str) -> None:
        self.number += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(reason)


@dataclass(frozen=True)
class Survey:
    """A family beside its index, in keys (pages count) and bytes.

    new, changed, renewed: what the budget admits. left_out: what it does not, `left_wrong` of them new or changed.
    wrong_before: wanted and not there, or with another value. left_out_first: the most wanted of the left out.
    """

    wanted: int
    bytes: int
    new: int
    changed: int
    renewed: int
    left_out: int
    left_wrong: int
    wrong_before: int
    written_last: datetime | None
    left_out_first: tuple[str, ...]
    refused: Refusals

    @property
    def unchanged(self) -> int:
        return self.wanted - self.new - self.changed - self.renewed - self.left_out

    def fresh(self, wrong: int) -> float | None:
        """The share of wanted keys that are present and current where `wrong` are not; None where none is wanted."""
        asked = self.wanted + self.refused.number
        return (self.wanted - wrong) / asked if asked else None


@dataclass(frozen=True)
class Place:
    """Where a family is: the namespace (the application's name), and whether organisations are counted there."""

    namespace: str
    audience: bool
    family: Family


def survey(
    connection: Connection,
    place: Place,
    sources: Sources,
    spool: Spool,
    now: datetime,
    *,
    writes: int | None = None,
) -> Survey:
    """Compare what is wanted with the index. `writes` is the budget; None for none.

    Raises:
        FamilyError: two rows of the family make one key.
    """
    refused = Refusals()
    connection.execute(read_sql("cache/wanted_table.sql"))
    copy_in(connection, "cache_wanted", COLUMNS, _spooled(place.family, sources, spool, now, refused))
    spool.settle()
    connection.execute("analyze cache_wanted")
    twice = connection.execute(read_sql("cache/twice.sql")).fetchone()
    if twice is not None:
        key = place.family.shown(twice["key"])
        raise FamilyError(f"cache family {place.family.name}: two rows make the key {key!r}")
    connection.execute(
        read_sql("cache/rank.sql"),
        {
            "namespace": place.namespace,
            "family": place.family.name,
            "audience": place.audience,
            "today": sources.today,
            "now": now,
            "renew_before": now + delta.RENEW,
            "writes": writes,
        },
    )
    tally = connection.execute(read_sql("cache/tally.sql")).fetchone()
    assert tally is not None
    first = connection.execute(read_sql("cache/left_out.sql"), {"most": EXAMPLES}).fetchall()
    return Survey(**tally, left_out_first=tuple(place.family.shown(row["key"]) for row in first), refused=refused)


def _spooled(
    family: Family, sources: Sources, spool: Spool, now: datetime, refused: Refusals
) -> Iterator[tuple[Any, ...]]:
    """Rows of cache_wanted; values go to the spool, and what KV cannot hold to `refused`."""
    for wanted in draw(family, sources):
        expires_at = int(delta.expiry(wanted.key, now).timestamp())
        try:
            entries = [
                Entry(wanted.key + suffix, value, expires_at) for suffix, value in paged(wanted.value, MAX_VALUE_BYTES)
            ]
            for entry in entries:
                check_entry(entry, now.timestamp())
        except KVError as error:
            reason = error.message.removeprefix(f"key {shown(error.keys[0])!r} ")
            refused.add(f"key {family.shown(error.keys[0])!r} {reason}")
        except UnpageableError as error:
            refused.add(f"key {family.shown(wanted.key)!r} has a value of {len(wanted.value):,} bytes that {error}")
        else:
            for entry in entries:
                position = spool.add(entry.value)
                hashed = delta.digest(entry.value)
                yield entry.key, wanted.key, wanted.tenant, hashed, len(entry.value), position
