"""Warming: wanted values into KV, only where the index says that they are new, changed or near their expiry.

The index first says of the keys to write that their values are unknown, then KV is written, then the index says what
was. A kill anywhere leaves keys that the next warming writes again, or deletes when nobody wants them any more. One
family of a namespace is warmed by one process at a time.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from assets.cache import delta
from assets.cache.delta import Indexed
from resources.kv import KV, Entry
from resources.postgres import Postgres
from resources.sql_files import read_sql

# The digest of no value: what the index says of a key whose write was begun.
UNKNOWN = b""


@dataclass(frozen=True)
class Warmed:
    """What a warming did, in keys; `bytes` is what was written."""

    wanted: int
    new: int
    changed: int
    renewed: int
    deleted: int
    unchanged: int
    bytes: int

    @property
    def written(self) -> int:
        return self.new + self.changed + self.renewed


def warm(
    kv: KV,
    postgres: Postgres,
    namespace: str,
    family: str,
    wanted: Callable[[], Mapping[str, bytes]],
    clock: Callable[[], datetime],
) -> Warmed:
    """Make the keys of a family be what `wanted` gives (it is asked under the family's lock)."""
    with postgres.lock(f"cache.{namespace}.{family}"):
        values = wanted()
        now = clock()
        found = delta.compare(values, _index(postgres, namespace, family), now)
        expiries = {key: now + delta.lifetime(key) for key in found.writes}
        record = {
            "namespace": namespace,
            "family": family,
            "written_at": now,
            "keys": list(found.writes),
            "bytes": [len(values[key]) for key in found.writes],
            "expiries": [expiries[key] for key in found.writes],
        }
        if found.writes:
            postgres.execute(read_sql("cache/record.sql"), {**record, "hashes": [UNKNOWN] * len(found.writes)})
            kv.put_many(Entry(key, values[key], expires_at=int(expiries[key].timestamp())) for key in found.writes)
            postgres.execute(
                read_sql("cache/record.sql"),
                {**record, "hashes": [delta.digest(values[key]) for key in found.writes]},
            )
        kv.delete_many(found.unwanted)
        postgres.execute(
            "delete from cache.entries where namespace = %(namespace)s and key = any(%(keys)s)",
            {"namespace": namespace, "keys": list(found.unwanted)},
        )
    return Warmed(
        wanted=len(values),
        new=len(found.new),
        changed=len(found.changed),
        renewed=len(found.expiring),
        deleted=len(found.unwanted),
        unchanged=found.unchanged,
        bytes=sum(len(values[key]) for key in found.writes),
    )


def _index(postgres: Postgres, namespace: str, family: str) -> dict[str, Indexed]:
    rows = postgres.fetch(
        "select key, hash, expires_at from cache.entries where namespace = %(namespace)s and family = %(family)s",
        {"namespace": namespace, "family": family},
    )
    return {row["key"]: Indexed(bytes(row["hash"]), row["expires_at"]) for row in rows}
