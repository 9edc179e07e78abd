"""Backups and drills as assets: one of each a store, with their checks.

What belongs here: what Dagster shows. What does not: the work (making.py, drill.py), what is about all stores
(kept_assets.py).
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetChecksDefinition,
    AssetCheckSeverity,
    AssetKey,
    AssetsDefinition,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
    asset_check,
)
from pydantic import Field

from assets.backups.covered import Covered, target_of
from assets.backups.drill import Drilled
from assets.backups.making import Made
from assets.backups.restore import UnreadableError, readable
from assets.backups.sets import find
from assets.description import app_asset, table
from assets.rooms import Rooms
from resources.declined import DeclinedError

KINDS = {"d1": {"cloudflare", "sqlite"}, "postgres": {"postgres"}, "lake": {"iceberg"}, "objects": {"cloudflare"}}
SCHEMA_STAYED, COMES_BACK, IS_YOUNG = "schema_stayed", "comes_back", "newest_verified_is_young"
VERIFY = "`clearlift backup verify"
LATE, TOO_LATE = timedelta(hours=26), timedelta(hours=50)


class BackupConfig(Config):
    """What set is made."""

    full: bool = Field(default=False, description="Make a set that stands alone, also where an incremental would do.")


class DrillConfig(Config):
    """What is restored."""

    whole: bool = Field(default=False, description="All of the store, also what was restored in the last days.")


def build(stores: Sequence[Covered]) -> list[AssetsDefinition | AssetChecksDefinition]:
    """The assets of some stores."""
    definitions: list[AssetsDefinition | AssetChecksDefinition] = []
    for covered in stores:
        definitions += [_backup(covered), _drill(covered), _is_young(covered)]
    return definitions


def backup_object(covered: Covered) -> tuple[str, str]:
    """The asset of a store's backups, below its owner."""
    return "backups", covered.name.store


def drill_object(covered: Covered) -> tuple[str, str]:
    """The asset of a store's drills."""
    return "backups", f"{covered.name.store}_drill"


def _backup(covered: Covered) -> AssetsDefinition:
    @app_asset(
        covered.owner,
        *backup_object(covered),
        store=covered.name.store,
        holds=[],
        kinds=KINDS.get(covered.name.store, {"python"}),
        description=(
            f"Sets of {covered.name}, compressed and sealed: a full one a week, and daily what changed since. Each is "
            "read back before it counts: what it put, and each 7th day all that it needs."
        ),
        pool="backups",
        freshness_policy=FreshnessPolicy.time_window(fail_window=TOO_LATE, warn_window=LATE),
        checks={SCHEMA_STAYED: "What changed since the last set could be told, so that every moment between is there."},
    )
    def backed_up(config: BackupConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        made = covered.backup(rooms).run(full=config.full)
        yield MaterializeResult(
            metadata=_of_backup(made),
            check_results=[
                AssetCheckResult(
                    check_name=SCHEMA_STAYED,
                    passed=not made.full_because,
                    severity=AssetCheckSeverity.WARN,
                    description=_broken(covered, made.full_because) if made.full_because else None,
                )
            ],
        )

    return backed_up


def _drill(covered: Covered) -> AssetsDefinition:
    @app_asset(
        covered.owner,
        *drill_object(covered),
        store=covered.name.store,
        holds=[],
        kinds=KINDS.get(covered.name.store, {"python"}),
        deps=[[covered.owner.name, *backup_object(covered)]],
        description=(
            f"The newest backup of {covered.name} restored to a scratch place and compared with what its sets say: "
            "how long that took (RTO), and what a loss of the store would cost now (RPO)."
        ),
        pool="backups",
        freshness_policy=FreshnessPolicy.time_window(fail_window=TOO_LATE, warn_window=LATE),
        checks={COMES_BACK: "The store comes back from its backup alone, row for row."},
    )
    def drilled(config: DrillConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        try:
            done = covered.drill(rooms).run(whole=config.whole)
        except DeclinedError as error:
            yield MaterializeResult(
                metadata={},
                check_results=[AssetCheckResult(check_name=COMES_BACK, passed=False, description=str(error))],
            )
            return
        yield MaterializeResult(
            metadata=_of_drill(done), check_results=[AssetCheckResult(check_name=COMES_BACK, passed=True)]
        )

    return drilled


def _is_young(covered: Covered) -> AssetChecksDefinition:
    @asset_check(
        asset=AssetKey([covered.owner.name, *backup_object(covered)]),
        name=IS_YOUNG,
        description=(
            f"The newest verified backup is at most {LATE // timedelta(hours=1)} hours old, and no set is damaged."
        ),
    )
    def newest_verified_is_young(rooms: ResourceParam[Rooms]) -> AssetCheckResult:
        try:
            sets = readable(find(target_of(rooms), covered.name))
        except UnreadableError as error:
            return AssetCheckResult(passed=False, description=str(error))
        newest = sets.newest_good
        again = f"`clearlift backup run {covered.name}`"
        if newest is None:
            return AssetCheckResult(passed=False, description=f"No backup is verified. Next: {again}")
        age = rooms.clock() - newest.moment
        damage = sets.passed_over(newest, unverified=True) or next(iter(sets.unreliable), None)
        wrong = f"{damage.id} cannot be relied on: {damage.reason}. Next: {VERIFY} {covered.name}`" if damage else None
        late = f"It is {age // timedelta(hours=1)} hours old. Next: {again}" if age > LATE else None
        return AssetCheckResult(
            passed=not (late or wrong),
            severity=AssetCheckSeverity.ERROR if age > TOO_LATE else AssetCheckSeverity.WARN,
            description=" ".join(filter(None, (late, wrong))) or None,
            metadata={"set": newest.id, "age_hours": round(age / timedelta(hours=1), 2)},
        )

    return newest_verified_is_young


def _broken(covered: Covered, because: str) -> str:
    return (
        f"A full set was made, because {because}: no moment between it and the set before comes back. "
        f"Next: `clearlift job backup --app {covered.owner.name}`, whose set goes on from this one"
    )


def _of_backup(made: Made) -> dict[str, Any]:
    manifest = made.manifest
    return {
        "set": manifest.id,
        "kind": manifest.kind.value,
        "position": manifest.until,
        "rows": sum(each.rows for each in manifest.tables),
        "bytes": manifest.size,
        "bytes_read_back": made.read,
        "read_back_whole": made.whole,
        "parts": len(manifest.parts),
        "seconds": round(made.seconds, 3),
        "tables": table([{"table": each.name, "rows": each.rows} for each in manifest.tables]),
        **manifest.facts,
    }


def _of_drill(drilled: Drilled) -> dict[str, Any]:
    done = drilled.done
    return {
        "rpo_seconds": round(drilled.rpo.total_seconds(), 3),
        "rto_seconds": round(drilled.rto.total_seconds(), 3),
        "whole": drilled.whole,
        "rows": done.rows,
        "rows_of_erased_people": done.restored.erased,
        "sealed_fields_opened": drilled.opened,
        "sets": table([{"set": one.id, "kind": one.kind.value, "bytes": one.size} for one in done.chain]),
        "tables": table([{"table": each.name, "rows": each.rows} for each in done.restored.tables]),
    }
