"""What a family wants, compared with the index of KV: the keys that must be written, ranked by demand, within a budget.

Everything here lies in temporary tables of one transaction; values wait in the spool. Nothing is written to KV.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from assets.cache import delta
from assets.cache.pages import UnpageableError, paged
from assets.cache.spool import Spool
from assets.cache.wanted import Family, FamilyError, Sources, draw
from resources.kv import Entry, KVError, hidden
from resources.kv.limits import MAX_VALUE_BYTES, check_entry
from resources.postgres import Connection, copy_in
from resources.sql_files import read_sql

COLUMNS = ("key", "page_of", "tenant", "hash", "bytes", "position")
EXAMPLES = 10


@dataclass
class RefusedKeys:
    """Keys and values that KV cannot hold: how many, and the first reasons, each with its key."""

    number: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, reason: str) -> None:
        self.number += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(reason)


@dataclass(frozen=True)
class Survey:
    """A family compared with its index, in keys (a page is a key) and bytes.

    new, changed, renewed: keys that the budget admits. left_out: keys that it does not admit; `left_wrong` of them are
    new or changed. wrong_before: wanted keys that were missing or had another value. left_out_first: the most wanted of
    the keys that are left out.
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
    refused: RefusedKeys

    @property
    def unchanged(self) -> int:
        return self.wanted - self.new - self.changed - self.renewed - self.left_out

    def fresh(self, wrong: int) -> float | None:
        """The share of wanted keys that are present and current, if `wrong` keys are not; None if no key is wanted.

        Those that KV cannot hold are not among them: no run can write them, and one of them made a whole family late.
        """
        return (self.wanted - wrong) / self.wanted if self.wanted else None


def survey(
    connection: Connection,
    family: Family,
    sources: Sources,
    spool: Spool,
    now: datetime,
    *,
    writes: int | None = None,
) -> Survey:
    """Compare what is wanted with the index of the app's namespace. writes: the budget in keys; None for no limit.

    Raises:
        FamilyError: two rows of the family make one key.
    """
    refused = RefusedKeys()
    connection.execute(read_sql("cache/wanted_table.sql"))
    copy_in(connection, "cache_wanted", COLUMNS, _spooled(family, sources, spool, now, refused))
    spool.settle()
    connection.execute("analyze cache_wanted")
    twice = connection.execute(read_sql("cache/twice.sql")).fetchone()
    if twice is not None:
        key = family.shown(twice["key"])
        raise FamilyError(f"cache family {family.name}: two rows make the key {key!r}")
    connection.execute(
        read_sql("cache/rank.sql"),
        {
            "namespace": sources.app,
            "family": family.name,
            "today": sources.today,
            "now": now,
            "renew_before": now + delta.RENEW,
            "writes": writes,
        },
    )
    tally = connection.execute(read_sql("cache/tally.sql")).fetchone()
    assert tally is not None
    first = connection.execute(read_sql("cache/left_out.sql"), {"most": EXAMPLES}).fetchall()
    return Survey(**tally, left_out_first=tuple(family.shown(row["key"]) for row in first), refused=refused)


def _spooled(
    family: Family, sources: Sources, spool: Spool, now: datetime, refused: RefusedKeys
) -> Iterator[tuple[Any, ...]]:
    """Rows of cache_wanted. Values go to the spool; what KV cannot hold goes to `refused`."""
    for wanted in draw(family, sources):
        expires_at = int(delta.expiry(wanted.key, now).timestamp())
        try:
            entries = [
                Entry(wanted.key + suffix, value, expires_at) for suffix, value in paged(wanted.value, MAX_VALUE_BYTES)
            ]
            for entry in entries:
                check_entry(entry, now.timestamp())
        except KVError as error:
            reason = error.message.removeprefix(f"key {hidden(error.keys[0])} ")
            refused.add(f"key {family.shown(error.keys[0])!r} {reason}")
        except UnpageableError as error:
            refused.add(f"key {family.shown(wanted.key)!r} has a value of {len(wanted.value):,} bytes that {error}")
        else:
            for entry in entries:
                position = spool.add(entry.value)
                hashed = delta.digest(entry.value)
                yield entry.key, wanted.key, wanted.tenant, hashed, len(entry.value), position
