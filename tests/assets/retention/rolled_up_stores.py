"""Stores whose events are archived, rolled up, made into sessions and attributed, for retention tests. No fixtures."""

import itertools
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from assets.apps.lifecycle import Lifecycle
from assets.archive.tables import archived
from assets.attribution import late as attribution_late
from assets.attribution.build import Touches
from assets.attribution.credit import Credits
from assets.lake_tables import lake_tables
from assets.retention.deletion import DeletionOutcome
from assets.retention.stores import entries, prune
from assets.rollups import late
from assets.rollups.build import RollUp
from assets.rollups.build_periods import PeriodRollUp
from assets.rollups.definition import CUTS, Grain
from assets.rollups.follow import follow
from assets.rollups.periods import Period
from assets.sessions import build as sessions
from assets.upkeep.expiry import Expiry
from assets.upkeep.keep import SnapshotPolicy
from assets.windows import DAY, Window
from resources.lake.sweep import remove, survey
from tests.assets.archive.archive_stores import APPS_BY_NAME, QUARTER, ArchiveStores

AGGREGATES = (
    *(cut.table(grain) for grain in Grain for cut in CUTS),
    *(cut.table(period) for period in Period for cut in CUTS),
    *("sessions.daily", "attribution.touches", "attribution.conversions", "attribution.credits"),
)
CLEARLIFT = APPS_BY_NAME["clearlift"]
HORIZON = timedelta(days=35)
EVENTS: Lifecycle = archived(CLEARLIFT, "events")


@dataclass
class RolledUpStores:
    """The stores, and what a day's jobs do with them."""

    archive_stores: ArchiveStores
    runs: "itertools.count[int]" = field(default_factory=itertools.count)

    def clock(self) -> datetime:
        return self.archive_stores.now

    def count(self) -> None:
        """Make what is stale of the archived quarter: roll-ups of every grain, sessions, attribution."""
        archive_stores, rooms, window = self.archive_stores, self.archive_stores.rooms, QUARTER.window
        while follow(CLEARLIFT, archive_stores.events, archive_stores.postgres, self.clock):
            pass
        stale = late.stale(CLEARLIFT, archive_stores.postgres, window.start, archive_stores.now)
        for grain, windows in ((Grain.HOURLY, stale.hours), (Grain.DAILY, stale.days)):
            for each in windows:
                RollUp.of(rooms, CLEARLIFT, grain).run(each)
        for each in sessions.stale(CLEARLIFT, archive_stores.postgres, window.start, archive_stores.now):
            sessions.Sessions.of(rooms, CLEARLIFT).run(each)
        for each in attribution_late.stale(CLEARLIFT, archive_stores.postgres, window.start, archive_stores.now):
            Touches.of(rooms, CLEARLIFT, HORIZON).run(each)
        Credits.of(rooms, CLEARLIFT).run(window)
        stale = late.stale(CLEARLIFT, archive_stores.postgres, window.start, archive_stores.now)
        for period, windows in ((Period.WEEKLY, stale.weeks), (Period.MONTHLY, stale.months)):
            for each in windows:
                PeriodRollUp.of(rooms, CLEARLIFT, period).run(each)

    def prune(self, *, dry_run: bool = False, confirmed: bool = False) -> DeletionOutcome:
        """The events, as their daily run prunes them."""
        run_id = f"run {next(self.runs)}"
        return prune(self.archive_stores.rooms, CLEARLIFT, EVENTS, run_id=run_id, dry_run=dry_run, confirmed=confirmed)

    def ready(self, *orgs: str, days: tuple[int, ...] = (1, 2), each: int = 3) -> None:
        """Events of organisations and days that are counted and archived: nothing stands in the way of pruning them."""
        for org in orgs or ("a3f7c2",):
            for day in days:
                self.archive_stores.happen(each, org, day)
        self.count()
        self.archive_stores.archive()

    def tidy(self) -> None:
        """What upkeep does a day later: old snapshots expire, files that no snapshot names are removed."""
        archive_stores, end = self.archive_stores, QUARTER.window.end
        # The roll-ups' audit chooses among the last hours that were made.
        RollUp.of(archive_stores.rooms, CLEARLIFT, Grain.HOURLY).run(Window(end, end + DAY))
        follow(CLEARLIFT, archive_stores.events, archive_stores.postgres, self.clock)
        rooms = replace(archive_stores.rooms, now=archive_stores.now + timedelta(days=400))
        Expiry.of(rooms, CLEARLIFT, lake_tables(CLEARLIFT)[0], SnapshotPolicy(age=timedelta(0), at_least=1)).run()
        remove(archive_stores.events, survey(archive_stores.events, datetime.now(UTC) + timedelta(days=1)))

    def prune_entry(self, name: str, app: str = "clearlift", *, dry_run: bool = False) -> DeletionOutcome:
        """One entry of an app's policy, as its daily run prunes it."""
        (entry,) = (entry for entry in entries(APPS_BY_NAME[app]) if entry.name == name)
        run_id = f"run {next(self.runs)}"
        return prune(self.archive_stores.rooms, APPS_BY_NAME[app], entry, run_id=run_id, dry_run=dry_run)

    def rows(self, table: str) -> int:
        (row,) = self.archive_stores.postgres.fetch(f"select count(*) as n from {table}")
        return int(row["n"])

    def aggregates(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every aggregate that is kept."""
        return {
            name: sorted(
                tuple(map(repr, row.values())) for row in self.archive_stores.postgres.fetch(f"select * from {name}")
            )
            for name in AGGREGATES
        }

    def marks(self) -> list[tuple[str, str, bool]]:
        rows = self.archive_stores.postgres.fetch("select * from retention.pruned_days order by org_tag, day")
        return [(row["org_tag"], f"{row['day']}", row["settled"]) for row in rows]

    def deletions(self) -> list[dict[str, Any]]:
        return self.archive_stores.postgres.fetch("select * from retention.deletions order by began_at, place")

    def why(self, outcome: DeletionOutcome) -> dict[str, int]:
        """Rows that stay, by the reason."""
        rows: dict[str, int] = {}
        for held in outcome.held_back:
            rows[held.why] = rows.get(held.why, 0) + held.rows
        return rows
