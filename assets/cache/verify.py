"""Looking at KV itself: a listing of the namespace is compared with the index, and what differs is corrected.

Each value of ours carries its digest in the metadata, which a listing shows, so no value is read. A key that is missing
or holds a value of another writer becomes unknown in the index, and the warming that follows writes it. A key that fits
a template of ours and is in no index is deleted. Keys of no template are the application's own. After a kill the next
warming continues.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from assets.apps import App
from assets.cache import delta, keys, warm
from assets.cache.families import families
from assets.cache.wanted import Family
from assets.cache.warm import BUNDLE_KEYS, Warming
from assets.progress import Progress, silent
from assets.rooms import Rooms
from resources.chunks import chunked
from resources.kv import KV, KeyInfo
from resources.postgres import Connection, Postgres, copy_in
from resources.sql_files import read_sql

# KV's clock and ours may differ by less than this at the expiry of a key.
ABOUT_TO_EXPIRE = timedelta(minutes=2)


@dataclass(frozen=True)
class Look:
    """What was found of one family, in keys.

    keys: in the index. current: those that the index calls present and current. judged: those whose write a listing
    shows for certain. missing, overwritten: those that KV did not hold, or held with another value. surplus: keys in KV
    that are in no index. written, left_out: what the warming after it wrote, and what is wrong still, because its
    budget left it out.
    """

    family: str
    keys: int
    current: int
    judged: int
    missing: int
    overwritten: int
    surplus: int
    written: int = 0
    left_out: int = 0

    @property
    def wrong(self) -> int:
        return self.missing + self.overwritten

    @property
    def by_index(self) -> float | None:
        """The share of the index's keys that it calls present and current; None if it has none."""
        return self.current / self.keys if self.keys else None

    @property
    def found(self) -> float | None:
        """The share of the judged keys that KV held with our value; None if none could be judged."""
        return (self.judged - self.wrong) / self.judged if self.judged else None


@dataclass(frozen=True)
class Verification:
    """The namespace of one app, compared with its index."""

    app: App
    kv: KV
    postgres: Postgres
    clock: Callable[[], datetime]
    warming: Warming

    def run(self, *, writes: int | None = None, dry_run: bool = False, progress: Progress = silent) -> tuple[Look, ...]:
        """Look at every key of the namespace once and correct what is wrong; `dry_run` only looks.

        writes: how many keys of a family the correction may write (None: no limit). A warming of the family waits while
        the two are compared, but not while the namespace is listed.
        """
        wanted = families(self.app)
        with self.postgres.lock(f"{self.app.name}.cache") as connection:
            started = self.clock()
            self._list(connection, wanted, progress)
            looks = [self._compare(connection, family, started, dry_run=dry_run) for family in wanted]
        if dry_run:
            return tuple(looks)
        return tuple(
            self._corrected(family, look, writes) if look.wrong else look
            for family, look in zip(wanted, looks, strict=True)
        )

    def _list(self, connection: Connection, wanted: Sequence[Family], progress: Progress) -> None:
        family_of = keys.classifier({family.name: family.key for family in wanted})
        connection.execute(read_sql("cache/found_table.sql"))
        connection.execute(read_sql("cache/judged_table.sql"))
        listed = 0
        for page in chunked(_once(self.kv.list()), BUNDLE_KEYS):
            found = [(info.name, family_of(info.name), digest_in(info.metadata)) for info in page]
            listed += copy_in(connection, "cache_found", ("key", "family", "digest"), found)
            progress(listed, listed + 1)
        progress(listed, listed)
        connection.execute("analyze cache_found")

    def _compare(self, connection: Connection, family: Family, started: datetime, *, dry_run: bool) -> Look:
        named = {"namespace": self.app.name, "family": family.name}
        with self.postgres.lock(warm.lock_of(self.app.name, family)):
            now = self.clock()
            connection.execute("truncate cache_judged")
            ages = {"written_before": started - self.kv.settles_within, "expires_after": now + ABOUT_TO_EXPIRE}
            connection.execute(read_sql("cache/judge.sql"), {**named, **ages})
            tally = connection.execute(read_sql("cache/judged.sql"), {**named, "now": now}).fetchone()
            assert tally is not None
            surplus = 0
            for page in chunked(_names(connection, "surplus", named), BUNDLE_KEYS):
                surplus += len(page)
                if not dry_run:
                    self.kv.delete_many(page)
            if not dry_run:
                for page in chunked(_names(connection, "wrong", None), BUNDLE_KEYS):
                    self.postgres.execute(read_sql("cache/unknown.sql"), {**named, "keys": page})
        return Look(family.name, **tally, surplus=surplus)

    def _corrected(self, family: Family, look: Look, writes: int | None) -> Look:
        done = self.warming.run(family, writes=writes)
        return replace(look, written=done.written, left_out=done.survey.left_wrong)


def of(rooms: Rooms, app: App) -> Verification:
    """The namespace of an app over the stores of the rooms."""
    return Verification(app, rooms.kv(app), rooms.postgres, rooms.clock, warm.of(rooms, app))


def digest_in(metadata: Mapping[str, Any] | None) -> bytes | None:
    """The digest in a key's metadata; None where another writer wrote the key."""
    text = metadata.get(delta.DIGEST) if isinstance(metadata, Mapping) else None
    try:
        return bytes.fromhex(text) if isinstance(text, str) else None
    except ValueError:
        return None


def _once(listed: Iterable[KeyInfo]) -> Iterator[KeyInfo]:
    """Each key once: a key that is written during the listing may be on two pages."""
    last = None
    for info in listed:
        if info.name != last:
            yield info
        last = info.name


def _names(connection: Connection, statement: str, params: Mapping[str, Any] | None) -> Iterator[str]:
    with connection.cursor(name=statement) as cursor:
        cursor.execute(read_sql(f"cache/{statement}.sql"), params)
        while rows := cursor.fetchmany(BUNDLE_KEYS):
            yield from (row["key"] for row in rows)
