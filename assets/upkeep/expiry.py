"""Expires snapshots of a lake table: asks the ledgers and the roll-ups what they need, and expires the rest.

What does not belong here: the rules (keep.py), and how a table expires snapshots (resources/lake).
"""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from assets.apps import App
from assets.events import pruned
from assets.events.ledger import IngestLedger
from assets.lake_tables import AppTable
from assets.rooms import Rooms
from assets.upkeep.keep import Needs, SnapshotPolicy, kept
from resources.lake import LakeTable
from resources.lake.expiry import KeptSnapshot, expire, snapshots
from resources.postgres import LockHeldError, Postgres
from resources.sql_files import read_sql

# The hours that the audit may choose from. More of them would keep one snapshot an hour for as long as roll-ups stay.
AUDITED_WINDOWS = 24
LOCK_SECONDS = 60


@dataclass(frozen=True)
class Expired:
    """What an expiry did, or would do: snapshots before and after it, and how many each rule kept."""

    before: int
    after: int
    kept: dict[str, int]

    @classmethod
    def together(cls, several: Sequence[Self]) -> Self:
        """What those of several tables did."""
        kept = sum((Counter(one.kept) for one in several), Counter[str]())
        return cls(sum(one.before for one in several), sum(one.after for one in several), dict(kept))


@dataclass
class Expiry:
    """The engine of a table of an app."""

    app: App
    entry: AppTable
    table: LakeTable
    postgres: Postgres
    clock: Callable[[], datetime]
    policy: SnapshotPolicy = field(default_factory=SnapshotPolicy)

    @classmethod
    def of(cls, rooms: Rooms, app: App, table: AppTable, policy: SnapshotPolicy | None = None) -> Self:
        """The engine over the stores of an app."""
        opened = rooms.lake.table(table.spec)
        return cls(app, table, opened, rooms.postgres, rooms.clock, policy or SnapshotPolicy())

    def plan(self) -> Expired:
        """What a run would do now."""
        listed = snapshots(self.table)
        return _outcome(len(listed), kept(listed, self.policy, self._needs(), self.clock()))

    def run(self) -> Expired:
        """Settle killed runs of the ingest, then expire the snapshots that nothing needs."""
        if self._unsettled():
            # Under the lock of the ingest, a prepared run is a killed one. A long ingest is not waited for, because it
            # settles killed runs too.
            with suppress(LockHeldError), self.postgres.lock(self.entry.lock, wait_seconds=LOCK_SECONDS):
                IngestLedger(self.postgres, self.app.name).settle(self.table, self.clock())
        needs, now = self._needs(), self.clock()
        rules: dict[int, str] = {}

        def keep(listed: Sequence[KeptSnapshot]) -> dict[int, str]:
            rules.clear()
            rules.update(kept(listed, self.policy, needs, now))
            return rules

        expired = expire(self.table, keep)
        return _outcome(len(rules) + len(expired), rules)

    def _needs(self) -> Needs:
        if not self.entry.is_landed:
            return Needs(cursor=None, is_followed=False)
        followed = self.postgres.fetch(
            "select snapshot_id from rollups.followed where app = %(app)s", {"app": self.app.name}
        )
        audited = self.postgres.fetch(
            read_sql("upkeep/audited_snapshots.sql"), {"app": self.app.name, "windows": AUDITED_WINDOWS}
        )
        return Needs(
            cursor=followed[0]["snapshot_id"] if followed else None,
            unsettled=self._unsettled(),
            audited=frozenset(row["snapshot_id"] for row in audited),
        )

    def _unsettled(self) -> frozenset[str]:
        if not self.entry.is_landed:
            return frozenset()
        prepared = self.postgres.fetch(read_sql("events/unsettled_runs.sql"), {"app": self.app.name})
        return frozenset(
            [*(row["ingest_id"] for row in prepared), *map(str, pruned.unsettled(self.postgres, self.app))]
        )


def _outcome(before: int, rules: dict[int, str]) -> Expired:
    return Expired(before, len(rules), dict(Counter(rules.values())))
