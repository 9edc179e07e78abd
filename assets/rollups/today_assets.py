"""The asset of today: what landed is counted in the run that took it in. The engine is in today.py."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)

from assets.apps import App
from assets.description import app_asset
from assets.rollups.definition import CUTS, Grain
from assets.rollups.today import Today
from assets.rooms import Rooms


def build(app: App) -> AssetsDefinition:
    """Today's windows of an app that collects events."""

    @app_asset(
        app,
        "rollups",
        "today",
        store="postgres",
        holds=[("postgres", cut.table(grain)) for grain in Grain for cut in CUTS],
        kinds={"postgres", "polars"},
        deps=[[app.name, "events", "ingested"]],
        description=(
            "The hours and the day of today, made again as soon as events of theirs land, for the organisations whose "
            "events these are. They are rows of the same tables as rollups/hourly and rollups/daily, which make a "
            "window for good when it has ended."
        ),
        checks={"everyone_counted": "No organisation was left out because files of its events are damaged."},
        metadata={"dagster/table_name": CUTS[0].table(Grain.DAILY)},
        pool="postgres",
        # As for events/ingested: a quiet site lands nothing, and only the daily sweep is due.
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)),
    )
    def today(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        done = Today.of(rooms, app).run()
        yield MaterializeResult(
            metadata={
                "commits": done.commits,
                "hours": done.hours,
                "days": done.days,
                "events": done.events,
                "doubles_ignored": done.doubles,
            },
            check_results=[
                AssetCheckResult(
                    check_name="everyone_counted",
                    passed=not done.left,
                    severity=AssetCheckSeverity.ERROR,
                    description="; ".join(map(str, done.left)),
                    metadata={"windows_left": len(done.left)},
                )
            ],
        )

    return today
