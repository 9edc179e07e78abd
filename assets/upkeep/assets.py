"""The upkeep of the events table as assets: snapshots, manifests, files, and the checks that tell when it is behind.

What is kept is decided in keep.py; how a table expires, rewrites and sweeps is resources/lake's.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckExecutionContext,
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetExecutionContext,
    AssetKey,
    AssetsDefinition,
    Config,
    MaterializeResult,
    MetadataValue,
    asset,
    asset_check,
    multi_asset_check,
)

from assets.apps import App
from assets.description import asset_arguments
from assets.events.table import EVENTS
from assets.upkeep.expiry import Expiry
from assets.upkeep.keep import LONGEST_RUN, Retention
from assets.windows import DAY
from resources.lake import LakeTable
from resources.lake.expiry import snapshots as kept_snapshots
from resources.lake.manifests import RewriteLimits
from resources.lake.manifests import plan as plan_manifests
from resources.lake.manifests import rewrite as rewrite_manifests
from resources.lake.sweep import FileSurvey, counted, remove, survey

# Above these a commit or a plan takes seconds; below them the runs of a day have room.
MOST_SNAPSHOTS = 200
MOST_MANIFESTS = 200
GRACE_HOURS = 24.0
MOST_GRACE = timedelta(days=366)
NOTHING_KNOWN = "The table has no snapshot yet: nothing is proved."


class SnapshotsConfig(Config):
    """Hours that a snapshot stays after another took its place, and how few or many stay whatever their age. dry_run:
    say what would expire, expire nothing.
    """

    hours: float = 24.0
    at_least: int = 10
    at_most: int = 150
    dry_run: bool = False


class ManifestsConfig(Config):
    """entries: files that a manifest names. saved: how many manifests less are worth a rewriting. dry_run: say what
    would be rewritten, rewrite nothing.
    """

    entries: int = 1000
    saved: int = 8
    dry_run: bool = False


class FilesConfig(Config):
    """grace_hours: a file that no snapshot names stays this long, for a run that has yet to name it. dry_run: say what
    would be removed, remove nothing.
    """

    grace_hours: float = GRACE_HOURS
    dry_run: bool = False


def build(app: App) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The upkeep of an application that has an audience."""
    if app.audience is None:
        return []
    return [_manifests(app), _snapshots(app), _files(app), _manifests_few(app), _snapshots_few(app), _whole(app)]


def grace(hours: float) -> timedelta:
    """The grace of unnamed files.

    Raises:
        ValueError: not longer than the longest run, whose files it could take, or longer than MOST_GRACE.
    """
    least, most = (bound / timedelta(hours=1) for bound in (LONGEST_RUN, MOST_GRACE))
    if not least < hours <= most:
        raise ValueError(
            f"grace_hours {hours:g} is not above the longest run, {least:g} hours (its files could be taken), "
            f"and at most {most:g}"
        )
    return timedelta(hours=hours)


def _arguments(app: App, name: str, above: list[str]) -> dict[str, Any]:
    return {
        **asset_arguments(app, "upkeep", name, store="lake", pii=False, kinds={"iceberg"}),
        "deps": [[app.name, *above]],
        "pool": "lake",
    }


def _manifests(app: App) -> AssetsDefinition:
    @asset(
        **_arguments(app, "manifests", ["events", "compacted"]),
        description=(
            "The lists of the events table's files: many small ones made few, sorted by day and organisation, where "
            "that pays. The data files stay as they are."
        ),
        required_resource_keys={"lake"},
    )
    def manifests(context: AssetExecutionContext, config: ManifestsConfig) -> MaterializeResult[None]:
        table, worth = context.resources.lake.table(EVENTS), RewriteLimits(config.entries, config.saved)
        if config.dry_run:
            planned, snapshot = plan_manifests(table, worth), None
        else:
            planned, snapshot = rewrite_manifests(table, worth, {"clearlift.writer": "upkeep"})
        return MaterializeResult(
            metadata={
                "dry_run": config.dry_run,
                "manifests_before": planned.before,
                "manifests_after": planned.after,
                "rewritten": len(planned.rewritten),
                "snapshot": str(snapshot) if snapshot else "none",
            }
        )

    return manifests


def _snapshots(app: App) -> AssetsDefinition:
    @asset(
        **_arguments(app, "snapshots", ["upkeep", "manifests"]),
        description=(
            "The commits of the events table that can still be read. The rest expire, but for what a reader, the "
            "roll-ups' cursor, their audit or an unsettled ingest run still needs."
        ),
        required_resource_keys={"lake", "postgres", "clock"},
    )
    def snapshots(context: AssetExecutionContext, config: SnapshotsConfig) -> MaterializeResult[None]:
        retention = Retention(age=timedelta(hours=config.hours), at_least=config.at_least, at_most=config.at_most)
        resources = context.resources
        engine = Expiry(resources.lake.table(EVENTS), resources.postgres, resources.clock, retention)
        done = engine.plan() if config.dry_run else engine.run()
        return MaterializeResult(
            metadata={
                "dry_run": config.dry_run,
                "snapshots_before": done.before,
                "snapshots_after": done.after,
                "expired": done.before - done.after,
                "kept_because": MetadataValue.json(done.kept),
            }
        )

    return snapshots


def _files(app: App) -> AssetsDefinition:
    @asset(
        **_arguments(app, "files", ["upkeep", "snapshots"]),
        description=(
            "The files of the events table, without those that no kept snapshot names: what expired, what was "
            "rewritten, what killed runs left. Younger ones than the grace stay, a commit may be about to name them."
        ),
        required_resource_keys={"lake", "clock"},
    )
    def files(context: AssetExecutionContext, config: FilesConfig) -> MaterializeResult[None]:
        table = context.resources.lake.table(EVENTS)
        found = survey(table, context.resources.clock() - grace(config.grace_hours))
        removed = 0 if config.dry_run else remove(table, found)
        return MaterializeResult(metadata={"dry_run": config.dry_run, "removed": removed, **_told(found)})

    return files


def _told(found: FileSurvey) -> dict[str, Any]:
    return {
        "in_use": MetadataValue.json(counted(found.reached)),
        "unnamed_and_old": MetadataValue.json(counted(found.old)),
        "unnamed_but_young": MetadataValue.json(counted(found.young)),
        "not_of_the_table": MetadataValue.json(counted(found.foreign)),
        "missing": len(found.missing),
    }


def _manifests_few(app: App) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "upkeep", "manifests"],
        name="planning_opens_few_manifests",
        description=f"At most {MOST_MANIFESTS} manifests, and two more for every 1,000 files.",
        required_resource_keys={"lake"},
    )
    def few(context: AssetCheckExecutionContext) -> AssetCheckResult:
        table = context.resources.lake.table(EVENTS)
        if _unknown(table):
            return AssetCheckResult(passed=False, severity=AssetCheckSeverity.WARN, description=NOTHING_KNOWN)
        found, live = plan_manifests(table).before, len(table.files())
        most = MOST_MANIFESTS + 2 * live // 1000
        return AssetCheckResult(
            passed=found <= most,
            severity=AssetCheckSeverity.WARN,
            metadata={"manifests": found, "at_most": most, "files": live},
        )

    return few


def _snapshots_few(app: App) -> AssetChecksDefinition:
    @asset_check(
        asset=[app.name, "upkeep", "snapshots"],
        name="commits_stay_cheap",
        description=f"At most {MOST_SNAPSHOTS} snapshots: every commit copies and writes all of them.",
        required_resource_keys={"lake"},
    )
    def few(context: AssetCheckExecutionContext) -> AssetCheckResult:
        found = len(kept_snapshots(context.resources.lake.table(EVENTS)))
        if not found:
            return AssetCheckResult(passed=False, severity=AssetCheckSeverity.WARN, description=NOTHING_KNOWN)
        return AssetCheckResult(
            passed=found <= MOST_SNAPSHOTS,
            severity=AssetCheckSeverity.WARN,
            metadata={"snapshots": found, "at_most": MOST_SNAPSHOTS},
        )

    return few


def _whole(app: App) -> AssetChecksDefinition:
    key = AssetKey([app.name, "upkeep", "files"])

    @multi_asset_check(
        name=f"{app.name}_files_whole",
        specs=[
            AssetCheckSpec(
                "every_named_file_exists",
                asset=key,
                description="Every file that a kept snapshot reaches is in the store.",
            ),
            AssetCheckSpec(
                "no_old_file_is_unnamed",
                asset=key,
                description="No file that nothing names is older than the grace and the day until the next sweep.",
            ),
        ],
        required_resource_keys={"lake", "clock"},
    )
    def whole(context: AssetCheckExecutionContext) -> Iterator[AssetCheckResult]:
        table = context.resources.lake.table(EVENTS)
        found = survey(table, context.resources.clock() - grace(GRACE_HOURS) - DAY)
        unknown = _unknown(table)
        for name, severity, wrong in (
            ("every_named_file_exists", AssetCheckSeverity.ERROR, len(found.missing)),
            ("no_old_file_is_unnamed", AssetCheckSeverity.WARN, len(found.old)),
        ):
            yield AssetCheckResult(
                asset_key=key,
                check_name=name,
                passed=not unknown and not wrong,
                severity=AssetCheckSeverity.WARN if unknown else severity,
                description=NOTHING_KNOWN if unknown else None,
                metadata=_told(found),
            )

    return whole


def _unknown(table: LakeTable) -> bool:
    return table.head()[0] is None
