"""What is known of each key in our Postgres: its age, its use, and since when nothing live refers to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from resources.postgres import Postgres
from resources.sql_files import read_sql

MOST_SEALS = 2**31
"""Random nonces of one key must not repeat: 2^32 values are the most of a (key, table, column), and this is half."""


@dataclass(frozen=True)
class KnownKey:
    """A key by its id. unreferenced_since: when a count found nothing live that it sealed. seals: of the pipelines."""

    key_id: int
    first_seen_at: datetime
    unreferenced_since: datetime | None
    retired_at: datetime | None
    seals: int

    @property
    def is_worn(self) -> bool:
        """Whether another key must take over."""
        return self.seals >= MOST_SEALS


def known(postgres: Postgres) -> dict[int, KnownKey]:
    """The keys that were ever counted, by their ids."""
    return {row["key_id"]: KnownKey(**row) for row in postgres.fetch(read_sql("sealing/keys/known.sql"))}


def observe(postgres: Postgres, live: Mapping[int, int], at: datetime) -> dict[int, KnownKey]:
    """Record a count of what is live, by key, which was begun `at`; what is known then."""
    for key_id, values in live.items():
        postgres.execute(read_sql("sealing/keys/observe.sql"), {"key_id": key_id, "live": values, "at": at})
    return known(postgres)


def count_seals(postgres: Postgres, key_id: int, seals: int, at: datetime) -> None:
    """Add to how many values a key has sealed."""
    if seals:
        postgres.execute(read_sql("sealing/keys/count_seals.sql"), {"key_id": key_id, "seals": seals, "at": at})


def retire(postgres: Postgres, key_id: int, at: datetime) -> None:
    """Record that a key left the key set."""
    postgres.execute(read_sql("sealing/keys/retire.sql"), {"key_id": key_id, "at": at})
