"""The rules of an app as checks of its tables, its full-text indexes as an asset. The work: rules.py, search.py."""

from collections.abc import Iterator
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
    multi_asset_check,
)

from assets.apps import App, IntegrityRule
from assets.declined import plainly_declined
from assets.description import app_asset
from assets.integrity.rules import Finding, look
from assets.integrity.search import compare
from assets.rooms import Rooms
from resources.counts import counted

SEVERITIES = {"warn": AssetCheckSeverity.WARN, "error": AssetCheckSeverity.ERROR}
AGREED = "indexes_agreed"


def rules(app: App) -> AssetChecksDefinition:
    """The checks of an app that has rules, all made by one op."""

    @multi_asset_check(
        name=f"{app.name}_rules",
        specs=[
            AssetCheckSpec(rule.name, asset=AssetKey([app.name, *rule.shown_on]), description=rule.doc)
            for rule in app.rules
        ],
    )
    @plainly_declined
    def integrity(rooms: ResourceParam[Rooms]) -> Iterator[AssetCheckResult]:
        for rule in app.rules:
            yield _result(app, rule, look(rooms, app, rule))

    return integrity


def search(app: App) -> AssetsDefinition:
    """The full-text indexes of an app that has any."""
    names = ", ".join(f"`{index.name}` of {index.table}" for index in app.search)

    @app_asset(
        app,
        "integrity",
        "search",
        store="d1",
        holds=[("d1", index.name) for index in app.search],
        kinds={"cloudflare", "sqlite"},
        deps=[[app.name, "d1", index.table] for index in app.search],
        description=f"Full-text indexes, compared with their tables and made again where they differ: {names}.",
        pool="d1",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)),
        checks={AGREED: "Every index agreed with its table before anything was made again."},
    )
    def searched(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        done = compare(rooms.d1(app), app.search)
        yield MaterializeResult(
            metadata={"agreed": len(done.agreed), "made_again": len(done.made_again)},
            check_results=[
                AssetCheckResult(
                    check_name=AGREED,
                    passed=not done.made_again,
                    severity=AssetCheckSeverity.WARN,
                    description=f"Made again: {', '.join(done.made_again)}." if done.made_again else None,
                )
            ],
        )

    return searched


def _result(app: App, rule: IntegrityRule, found: Finding) -> AssetCheckResult:
    return AssetCheckResult(
        asset_key=AssetKey([app.name, *rule.shown_on]),
        check_name=rule.name,
        passed=found.holds,
        severity=AssetCheckSeverity.WARN if found.vacant else SEVERITIES[rule.severity],
        description=found.unknown
        or (f"{counted(found.offending, 'row')} of {rule.table}." if found.offending else None),
        metadata={"offending": found.offending, "ids": ", ".join(found.ids) or "none shown"},
    )
