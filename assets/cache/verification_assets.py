"""The daily look at KV itself as an asset. The work is in verify.py."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetsDefinition,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)
from pydantic import Field

from assets.apps import App
from assets.cache import verify
from assets.cache.assets import FRESH
from assets.cache.families import families
from assets.cache.verify import Look
from assets.description import app_asset
from assets.description import table as table_of
from assets.rooms import Rooms

HELD = "kv_holds_what_the_index_says"


class VerificationConfig(Config):
    """What a look may change."""

    dry_run: bool = Field(default=False, description="Only look; change neither KV nor the index.")


def build(app: App, writes: int) -> list[AssetsDefinition]:
    """The look at an app's namespace. writes: how many keys of a family its correction may write."""
    return [_verified(app, writes)] if families(app) else []


def _verified(app: App, writes: int) -> AssetsDefinition:
    @app_asset(
        app,
        "cache",
        "verified",
        store="kv",
        holds=[("kv", family.name) for family in families(app)],
        kinds={"cloudflare", "workerskv"},
        deps=[[app.name, "cache", family.name] for family in families(app)],
        description=(
            "Every key of KV, listed once and compared with the index by the digest in its metadata. What is missing "
            "or was overwritten is written again; a key of a family that is in no index is deleted. Keys of no family "
            "are left alone."
        ),
        pool="kv",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)),
        checks={HELD: "KV holds every key that the index calls present and current, with its value, and no other."},
    )
    def verified(config: VerificationConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        looking = verify.of(rooms, app)
        progress = rooms.progress(f"{app.title}: keys listed")
        looks = looking.run(writes=writes, dry_run=config.dry_run, progress=progress)
        yield MaterializeResult(
            metadata={**_counted(looks), "families": table_of([_row(look) for look in looks])},
            check_results=[_held(looks)],
        )

    return verified


def _held(looks: Sequence[Look]) -> AssetCheckResult:
    """Both figures side by side. It fails for every deviation, also one that is corrected: it was served until then."""
    counted = _counted(looks)
    wrong, surplus = counted["missing"] + counted["overwritten"], counted["surplus"]
    found = counted.get("found")
    if found is None:
        text = "No key could be judged, so nothing is proved."
    else:
        text = (
            f"By the index {counted['by_index']:.2%} of its keys are present and current; KV held {found:.2%} of those "
            f"that it can judge. {wrong:,} were wrong and {surplus:,} in no index; {counted['left_out']:,} still wait."
        )
    grave = found is not None and (found < FRESH or counted["left_out"])
    return AssetCheckResult(
        check_name=HELD,
        passed=found is not None and not wrong and not surplus,
        severity=AssetCheckSeverity.ERROR if grave else AssetCheckSeverity.WARN,
        description=text,
        metadata=counted,
    )


def _counted(looks: Sequence[Look]) -> dict[str, Any]:
    names = ("keys", "current", "judged", "missing", "overwritten", "surplus", "written", "left_out")
    counted: dict[str, Any] = {name: sum(getattr(look, name) for look in looks) for name in names}
    all_of_it = Look("", **counted)
    if all_of_it.found is not None:
        counted |= {"by_index": all_of_it.by_index, "found": all_of_it.found}
    return counted


def _row(look: Look) -> dict[str, Any]:
    shares = {"by index": look.by_index, "found": look.found}
    return {
        "family": look.family,
        "keys": look.keys,
        **{name: "" if share is None else f"{share:.2%}" for name, share in shares.items()},
        "missing": look.missing,
        "overwritten": look.overwritten,
        "surplus": look.surplus,
        "written": look.written,
    }
