"""Leads and onboarding as assets: phone numbers read, inactive sessions ended.

The work is in phones.py and inactive.py.
"""

from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetKey,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)

from assets.apps import App, Growth
from assets.description import app_asset
from assets.growth import inactive
from assets.growth.inactive import HOURS, Ended
from assets.growth.phones import Phones
from assets.rooms import Rooms


def build(app: App, growth: Growth) -> list[AssetsDefinition]:
    """What is made of leads and onboarding sessions."""
    return [_phones(app, growth), _inactive(app, growth)]


def _phones(app: App, growth: Growth) -> AssetsDefinition:
    @app_asset(
        app,
        "leads",
        "phones",
        store="postgres",
        holds=[("app_postgres", growth.leads)],
        kinds={"postgres"},
        description=(
            "Phone numbers of leads in E.164, by the lead's country, where they are valid. The number as typed stays. "
            "Only numbers that came or changed since are read."
        ),
        metadata={"dagster/table_name": growth.leads},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=3), warn_window=timedelta(hours=2)),
        checks={"all_read": "No phone number waits after the run."},
    )
    def phones(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        done = Phones.of(rooms, app, growth).run()
        yield MaterializeResult(
            metadata={"read": done.read, "valid": done.valid, "not_valid": done.read - done.valid},
            check_results=[
                AssetCheckResult(
                    check_name="all_read",
                    passed=not done.waiting,
                    severity=AssetCheckSeverity.WARN,
                    metadata={"waiting": done.waiting},
                )
            ],
        )

    return phones


def _inactive(app: App, growth: Growth) -> AssetsDefinition:
    @app_asset(
        app,
        "onboarding",
        "inactive",
        store="postgres",
        holds=[("app_postgres", growth.onboarding)],
        kinds={"postgres"},
        description=f"Onboarding sessions in which nothing has happened for {HOURS} hours, ended as abandoned.",
        metadata={"dagster/table_name": growth.onboarding},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=1), warn_window=timedelta(minutes=30)),
        checks={"none_stays_open": f"No session in progress has been inactive for {HOURS} hours."},
    )
    def ended(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        yield inactive_result(app, inactive.end(rooms.app_postgres(app), growth, rooms.clock()))

    return ended


def inactive_result(app: App, done: Ended) -> MaterializeResult[None]:
    """What was ended, as the result of the asset, in a run or without one."""
    return MaterializeResult(
        asset_key=AssetKey([app.name, "onboarding", "inactive"]),
        metadata={"abandoned": done.abandoned, "in_progress": done.in_progress},
        check_results=[
            AssetCheckResult(
                check_name="none_stays_open",
                passed=not done.inactive,
                severity=AssetCheckSeverity.WARN,
                metadata={"inactive": done.inactive},
            )
        ],
    )
