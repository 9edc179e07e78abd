"""Reports as assets: the funnel of leads, and where people leave the onboarding. The work is in reports.py."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)

from assets.apps import App, Growth
from assets.description import app_asset
from assets.growth import reports
from assets.rooms import Rooms

NOTHING = "Nothing came in these days: nothing is proved."


@dataclass(frozen=True)
class _Plan:
    """A report: its asset, the table it reads, how many days back, and what it is about."""

    group: str
    name: reports.Name
    table: str
    days: int
    title: str
    description: str


def build(app: App, growth: Growth) -> list[AssetsDefinition]:
    """The reports of an app."""
    funnel = _Plan(
        "leads",
        "funnel",
        growth.leads,
        30,
        "Leads of the last 30 days",
        "How far the leads of the last 30 days got, by where they came from.",
    )
    drop_off = _Plan(
        "onboarding",
        "drop_off",
        growth.onboarding,
        7,
        "Onboarding of the last 7 days",
        "Which steps the onboarding sessions of the last 7 days reached, and at which they were abandoned.",
    )
    return [_report(app, growth, plan) for plan in (funnel, drop_off)]


def _report(app: App, growth: Growth, plan: _Plan) -> AssetsDefinition:
    @app_asset(
        app,
        plan.group,
        plan.name,
        store="postgres",
        # It counts people and shows none.
        holds=[("r2", growth.reports)],
        kinds={"postgres", "pandas", "csv"},
        description=f"{plan.description} As a table and a plot here, as CSV in R2 under {growth.reports}{plan.name}/.",
        metadata={"made_from": plan.table},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26)),
        checks={"each_counted_once": "The numbers of the report add up to the rows that the table has of these days."},
    )
    def report(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        now = rooms.clock()
        made = reports.make(plan.name, rooms.app_postgres(app), growth, now - timedelta(days=plan.days), now)
        key = reports.store(made, rooms.object_store, growth, plan.name, now.date())
        yield MaterializeResult(
            metadata={"rows_counted": made.said, "csv": key, **made.metadata(plan.title)},
            check_results=[
                AssetCheckResult(
                    check_name="each_counted_once",
                    passed=made.said == made.held and made.held > 0,
                    severity=AssetCheckSeverity.ERROR if made.said != made.held else AssetCheckSeverity.WARN,
                    description=None if made.held else NOTHING,
                    metadata={"in_report": made.said, "in_table": made.held},
                )
            ],
        )

    return report
