"""The upkeep of an app's lake tables as assets: their manifests, their snapshots, their files.

The rules are in keep.py, the checks in checks.py; how a table expires, rewrites and sweeps is in resources/lake.
"""

from datetime import timedelta
from typing import Any

from dagster import AssetsDefinition, Config, MaterializeResult, MetadataValue, ResourceParam
from pydantic import Field

from assets.apps import App
from assets.description import app_asset
from assets.lake_tables import lake_tables
from assets.rooms import Rooms
from assets.upkeep.expiry import Expired, Expiry
from assets.upkeep.keep import GRACE_HOURS, SnapshotPolicy, grace
from resources.lake import manifests
from resources.lake.sweep import FileSurvey, remove, survey, tally


class SnapshotsConfig(Config):
    """Which snapshots stay."""

    hours: float = Field(default=24.0, description="How long a snapshot stays after another took its place.")
    at_least: int = Field(default=10, description="How few snapshots stay, however old they are.")
    at_most: int = Field(default=150, description="How many snapshots stay, however young they are.")
    dry_run: bool = Field(default=False, description="Report what would expire, and expire nothing.")


class ManifestsConfig(Config):
    """When manifests are rewritten."""

    entries: int = Field(default=1000, description="Files that one manifest names.")
    saved: int = Field(default=8, description="How many manifests fewer make a rewrite worth it.")
    dry_run: bool = Field(default=False, description="Report what would be rewritten, and rewrite nothing.")


class FilesConfig(Config):
    """Which files are removed."""

    grace_hours: float = Field(
        default=GRACE_HOURS,
        description="How long a file stays that no snapshot names, because a run may be about to name it.",
    )
    dry_run: bool = Field(default=False, description="Report what would be removed, and remove nothing.")


def build(app: App) -> list[AssetsDefinition]:
    """The upkeep of an app that collects events."""
    return [_manifests(app), _snapshots(app), _files(app)]


def _arguments(name: str, *deps: list[str]) -> dict[str, Any]:
    return {"name": name, "deps": deps, "store": "lake", "holds": [], "kinds": {"iceberg"}, "pool": "lake"}


def _manifests(app: App) -> AssetsDefinition:
    @app_asset(
        app,
        "upkeep",
        **_arguments("manifests", *([app.name, *table.compacted] for table in lake_tables(app))),
        description=(
            "The lists of files of the lake's tables. Where it pays, many small lists become few, sorted by day and "
            "organisation. The data files stay as they are."
        ),
    )
    def rewritten(config: ManifestsConfig, rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        worth, plans, made = manifests.RewriteLimits(config.entries, config.saved), list[manifests.ManifestPlan](), []
        for table in (rooms.lake.table(entry.spec) for entry in lake_tables(app)):
            if config.dry_run:
                plans.append(manifests.plan(table, worth))
                continue
            planned, snapshot = manifests.rewrite(table, worth, {"clearlift.writer": "upkeep"})
            plans.append(planned)
            made += [str(snapshot)] if snapshot else []
        return MaterializeResult(
            metadata={
                "dry_run": config.dry_run,
                "manifests_before": sum(planned.before for planned in plans),
                "manifests_after": sum(planned.after for planned in plans),
                "rewritten": sum(len(planned.rewritten) for planned in plans),
                "snapshot": ", ".join(made) or "none",
            }
        )

    return rewritten


def _snapshots(app: App) -> AssetsDefinition:
    @app_asset(
        app,
        "upkeep",
        **_arguments("snapshots", [app.name, "upkeep", "manifests"]),
        description=(
            "The commits of the lake's tables that can still be read. The others expire, except those that a reader, "
            "the cursor of the roll-ups, their audit or an unsettled ingest run still needs."
        ),
    )
    def expired(config: SnapshotsConfig, rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        policy = SnapshotPolicy(age=timedelta(hours=config.hours), at_least=config.at_least, at_most=config.at_most)
        engines = [Expiry.of(rooms, app, table, policy) for table in lake_tables(app)]
        outcome = Expired.together([engine.plan() if config.dry_run else engine.run() for engine in engines])
        return MaterializeResult(
            metadata={
                "dry_run": config.dry_run,
                "snapshots_before": outcome.before,
                "snapshots_after": outcome.after,
                "expired": outcome.before - outcome.after,
                "kept_because": MetadataValue.json(outcome.kept),
            }
        )

    return expired


def _files(app: App) -> AssetsDefinition:
    @app_asset(
        app,
        "upkeep",
        **_arguments("files", [app.name, "upkeep", "snapshots"]),
        description=(
            "The files of the lake's tables, without those that no kept snapshot names: files that expired, that were "
            "rewritten, or that killed runs left. Files younger than the grace stay, because a commit may be about to "
            "name them."
        ),
    )
    def swept(config: FilesConfig, rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        before, surveys, removed = rooms.clock() - grace(config.grace_hours), list[FileSurvey](), 0
        for table in (rooms.lake.table(entry.spec) for entry in lake_tables(app)):
            surveys.append(files := survey(table, before))
            removed += 0 if config.dry_run else remove(table, files)
        found = FileSurvey.together(surveys)
        return MaterializeResult(metadata={"dry_run": config.dry_run, "removed": removed, **described(found)})

    return swept


def described(files: FileSurvey) -> dict[str, Any]:
    """Surveyed files as metadata."""
    return {
        "in_use": MetadataValue.json(tally(files.reached)),
        "unnamed_and_old": MetadataValue.json(tally(files.old)),
        "unnamed_but_young": MetadataValue.json(tally(files.young)),
        "not_of_the_table": MetadataValue.json(tally(files.foreign)),
        "missing": len(files.missing),
    }
