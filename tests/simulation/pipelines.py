"""The pipelines over stores of a test's own: each job runs the engine that its assets run. The test moves the clock.

What belongs here: one method a job. What does not: when jobs run (nights.py), what happens in the world, and what must
be true (invariants.py).
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

from dagster import DagsterInstance
from pydantic import SecretStr
from pyiceberg.manifest import ManifestFile

from assets.apps import APPS
from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import METRIC_SERIES, SERIES
from assets.archive.assets import CHECKED
from assets.archive.quarters import Quarter, due
from assets.archive.restore import Restore
from assets.archive.tables import archived
from assets.archive.write import Archiver
from assets.attribution import late as attribution
from assets.attribution.build import Touches
from assets.attribution.credit import Credits
from assets.cache import invalidate
from assets.compaction.rewrite import Compaction
from assets.events.ingest import Ingest
from assets.lake_tables import lake_tables
from assets.metrics.build import Metrics
from assets.metrics.grains import GRAINS
from assets.points.ingest import PointIngest
from assets.retention.deletion import DeletionOutcome
from assets.retention.series import SeriesPruner
from assets.retention.stores import entries, prune_all
from assets.rollups import late
from assets.rollups.build import RollUp
from assets.rollups.build_periods import PeriodRollUp
from assets.rollups.definition import Grain
from assets.rollups.follow import follow
from assets.rollups.periods import Period
from assets.series import ahead
from assets.series.fold import Folding
from assets.sessions import build as sessions
from assets.sessions.build import Sessions
from assets.upkeep.expiry import Expiry
from assets.upkeep.keep import GRACE_HOURS, grace
from assets.windows import DAY, Window, midnight
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from resources.d1.pace import Pace
from resources.lake.manifests import RewriteLimits, rewrite
from resources.lake.sweep import remove, survey
from tests.assets.attribution.attribution_stores import AttributionStores
from tests.assets.rollups.event_lake import EventLake
from tests.clearlift_pipelines.location import Location
from tests.resources.lake.foreign import without_copies
from tests.simulation.web_events import CAMPAIGNS, RULES
from tests.tables import EVENTS

WITHOUT_RESTS = Pace(1.0)
LATE = timedelta(days=35)
# The simulated years lie before it, and the machine's clock after it. A later time comes from the machine's clock.
AFTER_THE_YEARS = datetime(2025, 6, 1, tzinfo=UTC)


class Pipelines:
    """The stores and their jobs. `now` is the time of every clock."""

    def __init__(self, stores: Stores, instance: DagsterInstance, start: date) -> None:
        self.stores = stores
        self.home, self.start = stores.settings.home, start
        self.location = Location(stores, instance)
        self.at(midnight(start))
        self.events = stores.lake.table(EVENTS)
        self.postgres, self.store = stores.postgres, stores.object_store
        self.d1, self.sesh = stores.d1(CLEARLIFT), stores.d1(SESH)
        self.attribution_stores = AttributionStores(EventLake(stores))
        self.attribution_stores.campaign(*CAMPAIGNS)
        for org, (types, days) in RULES.items():
            self.attribution_stores.settle(f"org-{org}", conversion_types=sorted(types), window_days=days)

    def clock(self) -> datetime:
        return self.now

    def at(self, moment: datetime) -> None:
        """Move every clock."""
        self.now = self.location.now = moment

    # Events.

    def ingest(self, *, sweep: bool = False) -> None:
        Ingest.of(self.stores, CLEARLIFT, midnight(self.start)).run(sweep=sweep)

    def compact(self) -> None:
        for table in lake_tables(CLEARLIFT):
            Compaction.of(self.stores, table.spec).run()

    def roll_up(self, grain: Grain, window: Window) -> None:
        RollUp.of(self.stores, CLEARLIFT, grain).run(window)

    def roll_up_periods(self, period: Period, window: Window) -> None:
        windows = list(period.covering(window))
        PeriodRollUp.of(self.stores, CLEARLIFT, period).run(Window(windows[0].start, windows[-1].end))

    def make_sessions(self, window: Window) -> None:
        Sessions.of(self.stores, CLEARLIFT).run(window)

    def attribute(self, window: Window) -> None:
        Touches.of(self.stores, CLEARLIFT, LATE).run(window)
        Credits.of(self.stores, CLEARLIFT).run(window)

    def catch_up(self) -> int:
        """Make what the sensors of late data request; returns the number of runs."""
        while follow(CLEARLIFT, self.events, self.postgres, self.clock):
            pass
        since, now = self.horizon, self.now
        stale = late.stale(CLEARLIFT, self.postgres, since, now, earliest=midnight(self.start))
        runs = [partial(self.roll_up, Grain.HOURLY, window) for window in stale.hours]
        runs += [partial(self.roll_up, Grain.DAILY, window) for window in stale.days]
        days = sessions.stale(CLEARLIFT, self.postgres, since, now)
        runs += [partial(self.make_sessions, window) for window in days]
        days = attribution.stale(CLEARLIFT, self.postgres, since, now)
        runs += [partial(self.attribute, window) for window in days]
        for period in Period:
            runs += [partial(self.roll_up_periods, period, window) for window in stale.ready(period)]
        for run in runs:
            run()
        return len(runs)

    @property
    def horizon(self) -> datetime:
        """The time from which late data is rolled up automatically."""
        return late.horizon(midnight(self.start), LATE, self.now)

    def beyond(self) -> late.LateDays:
        """The late data that the sensor reports as too old to be rolled up automatically."""
        return late.beyond(CLEARLIFT, self.postgres, midnight(self.start), self.horizon)

    def backfill(self, window: Window) -> None:
        """`clearlift backfill rollups` and `clearlift backfill attribution` of a window of days."""
        self.roll_up(Grain.HOURLY, window)
        self.roll_up(Grain.DAILY, window)
        self.make_sessions(Window(max(midnight(self.start), window.start - DAY), window.end + 2 * DAY))
        for period in Period:
            self.roll_up_periods(period, window)
        self.attribute(window)

    # The upkeep of the lake.

    def tidy(self) -> None:
        for table in lake_tables(CLEARLIFT):
            rewrite(self.stores.lake.table(table.spec), RewriteLimits(), {"clearlift.writer": "upkeep"})
            Expiry.of(self.stores, CLEARLIFT, table).run()

    def remove_files(self) -> None:
        for table in (self.stores.lake.table(entry.spec) for entry in lake_tables(CLEARLIFT)):
            remove(table, survey(table, self.now - grace(GRACE_HOURS)))

    # Sesh.

    def points(self, *, sweep: bool = False) -> None:
        PointIngest.of(self.stores, SESH).run(sweep=sweep)

    def metrics(self) -> None:
        for grain in GRAINS.values():
            Metrics(self.sesh, METRIC_SERIES, grain, self.clock, WITHOUT_RESTS).run()

    def partitions(self) -> None:
        for series in SERIES:
            ahead.make(self.sesh, series, self.clock)
            Folding(self.sesh, series, self.clock, WITHOUT_RESTS, page=50).run()

    def invalidate(self) -> None:
        invalidate.of(self.stores, SESH)

    # Archive.

    def archive(self) -> None:
        for app in APPS:
            for entry in app.lifecycles:
                if entry.archive is None:
                    continue
                archiver = Archiver.of(self.stores, app, entry)
                for quarter in due(self.now.date(), entry.archive.after_days, CHECKED):
                    archiver.run(quarter)

    def restore(self, quarter: Quarter) -> None:
        """`clearlift archive restore clearlift events QUARTER --into live`."""
        entry = archived(CLEARLIFT, "events")
        Restore.of(self.stores, CLEARLIFT, entry, "live").run(quarter)

    # Retention.

    def retain(self) -> None:
        for outcome in self._pruned(dry_run=False):
            assert (outcome.faults, outcome.stopped) == ([], None)

    def waiting(self) -> list[DeletionOutcome]:
        """The outcomes of a dry run of retention that would delete rows, or that hold rows back."""
        return [outcome for outcome in self._pruned(dry_run=True) if outcome.going or outcome.held_back]

    def prune_detail(self) -> None:
        engine = SeriesPruner(self.stores, SESH, f"night of {self.now}", WITHOUT_RESTS, page=100)
        for outcome in engine.run(dry_run=False).outcomes:
            assert (outcome.faults, outcome.stopped, outcome.held_back) == ([], None, [])

    def _pruned(self, *, dry_run: bool) -> list[DeletionOutcome]:
        outcomes = []
        for app in APPS:
            run_id = f"night of {self.now}"
            outcomes += prune_all(self.stores, app, entries(app), run_id=run_id, dry_run=dry_run)
        return outcomes

    def correct_dates(self) -> None:
        """Give the simulated time to the files and rows that a store has dated by the machine's clock."""
        now, limit = self.now.timestamp(), AFTER_THE_YEARS.timestamp()
        for path in Path(self.store.uri()).rglob("*"):
            if path.stat().st_mtime > limit and path.is_file():
                os.utime(path, (now, now))
        moment = f"{self.now:%Y-%m-%dT%H:%M:%S.000Z}"
        self.sesh.execute(
            "update change_log set changed_at = ? where changed_at > ?", [moment, AFTER_THE_YEARS.isoformat()]
        )


def _read_once(read: Callable[..., Any], name: Callable[..., tuple[str, ...]]) -> Callable[..., Any]:
    """Like `read`, but reads each metadata file of the lake only once while it exists, because none is ever changed.

    name: gives the path of the file, and how it is read.
    """
    known: dict[tuple[str, ...], Any] = {}

    def read_once(*args: Any, **kwargs: Any) -> Any:
        file = name(*args, **kwargs)
        if file not in known or not Path(file[0].removeprefix("file://")).exists():
            known[file] = read(*args, **kwargs)
        return known[file]

    return read_once


def _entries(manifest: ManifestFile, io: object, discard_deleted: bool = True) -> tuple[str, ...]:
    del io
    return manifest.manifest_path, str(discard_deleted)


@contextmanager
def opened(home: Path, dsn: str, start: date) -> Iterator[Pipelines]:
    """Pipelines over migrated stores, whose first partition is `start`."""
    stores = Stores(settings.load(home=home, postgres_dsn=SecretStr(dsn), partitions_start=start))
    with ExitStack() as stack:
        stack.callback(stores.close)
        instance = stack.enter_context(DagsterInstance.ephemeral())
        stores.migrate()
        pipelines = Pipelines(stores, instance, start)
        moment = SimpleNamespace(time=lambda: pipelines.now.timestamp())
        stack.enter_context(patch("pyiceberg.table.snapshots.time", moment))
        # Otherwise half of the time goes into reading manifests and copying metadata.
        entries_of = _read_once(ManifestFile.fetch_manifest_entry, _entries)
        stack.enter_context(patch.object(ManifestFile, "fetch_manifest_entry", entries_of))
        stack.enter_context(without_copies())
        yield pipelines
