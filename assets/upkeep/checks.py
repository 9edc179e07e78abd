"""The checks of an app's lake tables: whether upkeep is behind, and whether files are missing.

What does not belong here: the upkeep itself (assets.py).
"""

from collections.abc import Callable, Iterator

from dagster import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetKey,
    ResourceParam,
    asset_check,
    multi_asset_check,
)

from assets.apps import App
from assets.declined import plainly_declined
from assets.lake_tables import lake_tables
from assets.rooms import Rooms
from assets.upkeep.assets import described
from assets.upkeep.keep import GRACE_HOURS, grace
from assets.windows import DAY
from resources.lake import LakeTable
from resources.lake.expiry import snapshots
from resources.lake.manifests import plan
from resources.lake.sweep import FileSurvey, survey

# Above these a commit or a plan takes seconds. Below them there is room for the runs of a day.
MOST_SNAPSHOTS = 200
MOST_MANIFESTS = 200
NOTHING_KNOWN = "The table has no snapshot yet: nothing is proved."


def build(app: App) -> list[AssetChecksDefinition]:
    """The checks of an app that collects events."""
    return [
        _few(
            app,
            "manifests",
            "planning_opens_few_manifests",
            f"At most {MOST_MANIFESTS} manifests, and two more for every 1,000 files.",
            _manifests,
        ),
        _few(
            app,
            "snapshots",
            "commits_stay_cheap",
            f"At most {MOST_SNAPSHOTS} snapshots, because every commit copies and writes all of them.",
            _snapshots,
        ),
        _whole(app),
    ]


def _manifests(table: LakeTable) -> dict[str, int]:
    files = table.totals().files  # of the last commit's summary, because a plan opens every manifest
    return {"manifests": plan(table).before, "at_most": MOST_MANIFESTS + 2 * files // 1000, "files": files}


def _snapshots(table: LakeTable) -> dict[str, int]:
    return {"snapshots": len(snapshots(table)), "at_most": MOST_SNAPSHOTS}


def _few(
    app: App, counted: str, name: str, description: str, count: Callable[[LakeTable], dict[str, int]]
) -> AssetChecksDefinition:
    @asset_check(asset=[app.name, "upkeep", counted], name=name, description=description)
    @plainly_declined
    def few(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        tables = [rooms.lake.table(entry.spec) for entry in lake_tables(app)]
        if any(map(_unknown, tables)):
            return AssetCheckResult(passed=False, severity=AssetCheckSeverity.WARN, description=NOTHING_KNOWN)
        # The table that is nearest to its bound, or farthest above it.
        counts = max(map(count, tables), key=lambda of_table: of_table[counted] / of_table["at_most"])
        return AssetCheckResult(
            passed=counts[counted] <= counts["at_most"], severity=AssetCheckSeverity.WARN, metadata=counts
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
    )
    @plainly_declined
    def whole(rooms: ResourceParam[Rooms]) -> Iterator[AssetCheckResult]:
        tables = [rooms.lake.table(entry.spec) for entry in lake_tables(app)]
        before = rooms.clock() - grace(GRACE_HOURS) - DAY
        files = FileSurvey.together([survey(table, before) for table in tables])
        unknown = any(map(_unknown, tables))
        for name, severity, wrong in (
            ("every_named_file_exists", AssetCheckSeverity.ERROR, len(files.missing)),
            ("no_old_file_is_unnamed", AssetCheckSeverity.WARN, len(files.old)),
        ):
            yield AssetCheckResult(
                asset_key=key,
                check_name=name,
                passed=not unknown and not wrong,
                severity=AssetCheckSeverity.WARN if unknown else severity,
                description=NOTHING_KNOWN if unknown else None,
                metadata=described(files),
            )

    return whole


def _unknown(table: LakeTable) -> bool:
    return table.head()[0] is None
