"""Expiry of the lake's snapshots: asks the ledger and the roll-ups what they still need, then lets the rest go."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from assets.events import ingest, pruned
from assets.events.ledger import Ledger
from assets.upkeep.keep import Needs, Retention, kept
from resources.lake import LakeTable
from resources.lake.expiry import KeptSnapshot, expire, snapshots
from resources.postgres import LockHeldError, Postgres
from resources.sql_files import read_sql

# A day of hours that the audit may choose from; more would keep a snapshot an hour for as long as roll-ups live.
AUDITED_WINDOWS = 24
LOCK_SECONDS = 60


@dataclass(frozen=True)
class Expired:
    """What an expiry did, or would do: snapshots before and after it, and how many each rule kept."""

    before: int
    after: int
    kept: dict[str, int]


@dataclass
class Expiry:
    """The engine over its stores; `clock` gives UTC now."""

    table: LakeTable
    postgres: Postgres
    clock: Callable[[], datetime]
    retention: Retention = field(default_factory=Retention)

    def plan(self) -> Expired:
        """What a run would do now."""
        listed = snapshots(self.table)
        return _outcome(len(listed), kept(listed, self.retention, self._needs(), self.clock()))

    def run(self) -> Expired:
        """Settle the ingest's killed runs, then expire what nobody needs."""
        if self._unsettled():
            # Under the ingest's lock a prepared run is a killed one. A long ingest is not waited for: it settles too.
            with suppress(LockHeldError), self.postgres.lock(ingest.LOCK, wait_seconds=LOCK_SECONDS):
                Ledger(self.postgres).settle(self.table.settled, self.clock())
        needs, now = self._needs(), self.clock()
        rules: dict[int, str] = {}

        def keep(listed: Sequence[KeptSnapshot]) -> dict[int, str]:
            rules.clear()
            rules.update(kept(listed, self.retention, needs, now))
            return rules

        gone = expire(self.table, keep)
        return _outcome(len(rules) + len(gone), rules)

    def _needs(self) -> Needs:
        followed = self.postgres.fetch("select snapshot_id from rollups.followed")
        audited = self.postgres.fetch(read_sql("upkeep/audited_snapshots.sql"), {"windows": AUDITED_WINDOWS})
        return Needs(
            cursor=followed[0]["snapshot_id"] if followed else None,
            unsettled=self._unsettled(),
            audited=frozenset(row["snapshot_id"] for row in audited),
        )

    def _unsettled(self) -> frozenset[str]:
        prepared = self.postgres.fetch(read_sql("events/unsettled_runs.sql"))
        return frozenset([*(row["ingest_id"] for row in prepared), *map(str, pruned.unsettled(self.postgres))])


def _outcome(before: int, rules: dict[int, str]) -> Expired:
    return Expired(before, len(rules), dict(Counter(rules.values())))
