"""Events as assets: pending ones taken, aggregations and metrics made again.

The work is in pending.py and windows.py, the proof in drift.py.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import SystemRandom

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetKey,
    AssetsDefinition,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
)
from pydantic import Field

from assets.apps import App, Growth
from assets.declined import given_day
from assets.description import app_asset
from assets.growth import drift
from assets.growth.drift import Drift
from assets.growth.pending import PendingEvents, Taken
from assets.growth.windows import Kind, Made, StaleWindows
from assets.rooms import Rooms
from resources.counts import counted

# The sensor looks every 5 minutes. An event that waited for longer was missed by two of its looks.
IN_TIME = timedelta(minutes=15)
NOTHING_COMPARED = "No hour of the last week has an event or a count: nothing is proved."
DELETED = "Events of this hour were deleted after they were counted; else a count was added twice."


class AgainConfig(Config):
    """Which windows are made beside those that changed."""

    day: str = Field(default="", description="Make all windows of this UTC day again, e.g. 2026-11-29.")

    def mark(self, windows: StaleWindows, *kinds: Kind) -> None:
        """Mark windows of the day, if one is given.

        Raises:
            DeclinedError: it is no day, or one that has not begun.
        """
        if self.day:
            windows.mark(given_day("day", self.day), *kinds)


def build(app: App, growth: Growth) -> list[AssetsDefinition]:
    """Events, their aggregations and metrics."""
    return [_pending(app, growth), _aggregations(app, growth), _metrics(app, growth)]


def _pending(app: App, growth: Growth) -> AssetsDefinition:
    @app_asset(
        app,
        "analytics",
        "pending",
        store="postgres",
        holds=[("app_postgres", growth.events)],
        kinds={"postgres"},
        description=(
            "Events that are not counted yet, taken into the aggregations in batches. Each is counted exactly once; "
            "the windows that it lies in are marked in the same transaction."
        ),
        metadata={"dagster/table_name": growth.events},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=1), warn_window=timedelta(minutes=20)),
        checks={"taken_in_time": f"No event has waited for longer than {IN_TIME.seconds // 60} minutes."},
    )
    def pending(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        yield pending_result(app, PendingEvents.of(rooms, app, growth).run())

    return pending


def pending_result(app: App, taken: Taken) -> MaterializeResult[None]:
    """What was taken, as the result of the asset, in a run or without one."""
    waited = taken.oldest.total_seconds()
    return MaterializeResult(
        asset_key=AssetKey([app.name, "analytics", "pending"]),
        metadata={
            "events": taken.events,
            "batches": taken.batches,
            "left": taken.left,
            "oldest_waits_seconds": waited,
        },
        check_results=[
            AssetCheckResult(
                check_name="taken_in_time",
                passed=taken.oldest <= IN_TIME,
                severity=AssetCheckSeverity.WARN,
                description=f"{counted(taken.left, 'event waits', 'events wait')}, the oldest for {waited:,.0f} s.",
                metadata={"left": taken.left, "oldest_waits_seconds": waited},
            )
        ],
    )


def _aggregations(app: App, growth: Growth) -> AssetsDefinition:
    @app_asset(
        app,
        "analytics",
        "aggregations",
        store="postgres",
        holds=[("app_postgres", growth.aggregations)],
        kinds={"postgres"},
        deps=[[app.name, "analytics", "pending"]],
        description=(
            "Events by UTC hour and day, type, name and country. Hours and days in which an event was counted since "
            "are replaced from raw events, with exact numbers of sessions and users."
        ),
        metadata={"dagster/table_name": growth.aggregations},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=3), warn_window=timedelta(hours=2)),
        checks={"recount_of_a_random_hour": "A random hour of the last week equals the count of its raw events."},
    )
    def aggregations(config: AgainConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        windows = StaleWindows.of(rooms, app, growth)
        config.mark(windows, "hour", "day")
        hours, days = windows.make("hour"), windows.make("day")
        seen = drift.measure(rooms.app_postgres(app), growth, rooms.clock(), SystemRandom().random())
        yield MaterializeResult(
            metadata={**_metadata("hours", hours), **_metadata("days", days)},
            check_results=[_recount(app, seen)],
        )

    return aggregations


def _recount(app: App, seen: Drift) -> AssetCheckResult:
    hour = seen.hour.astimezone(UTC) if seen.hour is not None else None
    wrong = f"`clearlift job aggregate --app {app.name} --day {hour:%Y-%m-%d}` makes the day again." if hour else ""
    return AssetCheckResult(
        check_name="recount_of_a_random_hour",
        passed=seen.passed,
        severity=AssetCheckSeverity.ERROR if seen.differing else AssetCheckSeverity.WARN,
        description=NOTHING_COMPARED if hour is None else " ".join(filter(None, _said(seen, wrong))),
        metadata={
            "hour": hour.isoformat() if hour else "none",
            "groups": seen.groups,
            "events": seen.events,
            "differences": MetadataValue.json(list(seen.differing[:20])),
        },
    )


def _said(seen: Drift, command: str) -> tuple[str, ...]:
    if seen.passed:
        return (f"{counted(seen.groups, 'group agrees', 'groups agree')}.",)
    return (f"{counted(len(seen.differing), 'group differs', 'groups differ')}.", DELETED if seen.lost else command)


def _metrics(app: App, growth: Growth) -> AssetsDefinition:
    @app_asset(
        app,
        "analytics",
        "metrics",
        store="postgres",
        holds=[("app_postgres", growth.metrics)],
        kinds={"postgres"},
        deps=[[app.name, "analytics", "aggregations"]],
        description=(
            "Figures of each UTC day that has ended, of all events and by country: events, sessions, users, "
            "conversion rate and error rate. A day in which an event was counted since is replaced from raw events."
        ),
        metadata={"dagster/table_name": growth.metrics},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=3), warn_window=timedelta(hours=2)),
        checks={"no_ended_day_waits": "No day that has ended is to be made again."},
    )
    def metrics(config: AgainConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        windows = StaleWindows.of(rooms, app, growth)
        config.mark(windows, "metrics")
        made = windows.make("metrics")
        waiting: list[datetime] = windows.stale("metrics")
        yield MaterializeResult(
            metadata=_metadata("days", made),
            check_results=[
                AssetCheckResult(
                    check_name="no_ended_day_waits",
                    passed=not waiting,
                    severity=AssetCheckSeverity.WARN,
                    metadata={"waiting": len(waiting)},
                )
            ],
        )

    return metrics


def _metadata(name: str, made: Made) -> dict[str, int]:
    return {
        name: made.windows,
        f"{name}_kept": made.kept,
        f"{name}_events": made.events,
        f"{name}_rows_changed": made.rows_changed,
    }
