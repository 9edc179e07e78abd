"""The rules of an app as checks of its tables, its full-text indexes and its D1's file as assets.

The work: rules.py, search.py, file.py.
"""

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
from assets.integrity.file import damage, keep
from assets.integrity.rules import Finding, look
from assets.integrity.search import compare
from assets.rooms import Rooms
from resources.counts import counted

SEVERITIES = {"warn": AssetCheckSeverity.WARN, "error": AssetCheckSeverity.ERROR}
AGREED, WHOLE = "indexes_agreed", "file_is_whole"
SUNDAY = 7


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


def file(app: App) -> AssetsDefinition:
    """The file of an app's D1."""

    @app_asset(
        app,
        "integrity",
        "file",
        store="d1",
        holds=[],
        kinds={"cloudflare", "sqlite"},
        deps=[[app.name, "d1", table] for table in app.tables],
        description=(
            "The file of the D1: SQLite's quick check, and `pragma optimize`; on Sundays full-text indexes are written"
            " as one part."
        ),
        pool="d1",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)),
        checks={WHOLE: "SQLite's quick check finds nothing wrong. Drills make the whole check, of restored copies."},
    )
    def looked_at(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        d1 = rooms.d1(app)
        found = damage(d1)
        if not found:
            keep(d1, app.search if rooms.clock().isoweekday() == SUNDAY else ())
        yield MaterializeResult(
            metadata={"bytes": d1.size()},
            check_results=[
                AssetCheckResult(
                    check_name=WHOLE,
                    passed=not found,
                    description=f"{'; '.join(found)}. docs/recovery.md says how a store comes back." if found else None,
                )
            ],
        )

    return looked_at


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
