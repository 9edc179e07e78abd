"""Cache assets: how often keys are read, and one a family of keys. The work itself is in demand.py and warm.py."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
    asset,
)

from assets.apps import App
from assets.cache.demand import Demand, hit_rate
from assets.cache.families import families
from assets.cache.survey import Place
from assets.cache.wanted import Family
from assets.cache.warm import Warmed, Warming
from assets.description import asset_arguments
from assets.rooms import Rooms

# Of the wanted keys, how many must be there and right once a warming has ended.
FRESH = 0.99
NOTHING_WANTED = "No key is wanted: nothing is proved."


def build(app: App, writes: int) -> list[AssetsDefinition]:
    """The caches of an application; `writes` is how many keys a run may write of a family."""
    found = families(app)
    return [_demand(app, found), *(_family(app, family, writes) for family in found)] if found else []


def _demand(app: App, found: Sequence[Family]) -> AssetsDefinition:
    # The counts name keys, and a key names whose value it holds.
    arguments = asset_arguments(
        app,
        "cache",
        "demand",
        store="postgres",
        holds=[("kv", family.name) for family in found],
        kinds={"postgres", "json"},
    )

    @asset(
        **arguments,
        description=(
            f"Reads a key and day, of the access log that {app.title} writes to R2 under access/{app.name}/, counted "
            "exactly once. What is read most is warmed first."
        ),
        metadata={"dagster/table_name": "cache.reads"},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=26), warn_window=timedelta(hours=3)),
        check_specs=[
            AssetCheckSpec(
                "lines_are_readable",
                asset=arguments["key"],
                description="No line of the access log was refused in this run.",
            )
        ],
    )
    def demand(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        done = Demand(
            rooms.object_store,
            rooms.postgres,
            rooms.clock,
            progress=rooms.progress("access logs counted"),
        ).run(app.name, found)
        rate = hit_rate(rooms.postgres, app.name, rooms.clock().date())
        yield MaterializeResult(
            metadata={
                "objects": done.objects,
                "lines": done.lines,
                "refused": done.refused,
                "reads": done.reads,
                "hits": done.hits,
                **({"hit_rate": rate} if rate is not None else {}),
            },
            check_results=[
                AssetCheckResult(
                    check_name="lines_are_readable",
                    passed=not done.refused,
                    severity=AssetCheckSeverity.WARN,
                    metadata={"refused": done.refused, "lines": done.lines},
                )
            ],
        )

    return demand


def _family(app: App, family: Family, writes: int) -> AssetsDefinition:
    arguments = asset_arguments(
        app, "cache", family.name, store="kv", holds=[("kv", family.name)], kinds={"cloudflare", "workerskv", "json"}
    )
    sources = [[app.name, *source] for source in family.reads]

    @asset(
        **arguments,
        deps=[[app.name, "cache", "demand"], *sources],
        description=f"{family.doc}: `{family.key}`. Values that did not change are not written again.",
        pool="kv",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=26), warn_window=timedelta(hours=3)),
        check_specs=[
            AssetCheckSpec(
                "fresh",
                asset=arguments["key"],
                description=f"At least {FRESH:.0%} of the wanted keys are present and current.",
            ),
            AssetCheckSpec(
                "nothing_left_out",
                asset=arguments["key"],
                description=f"The budget of {writes:,} writes a run left no wanted key out, and KV can hold every one.",
            ),
        ],
    )
    def warmed(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        warming = Warming(rooms.kv(app), rooms.d1(app), rooms.postgres, rooms.clock)
        done = warming.run(
            Place(app.name, app.audience is not None, family),
            writes=writes,
            progress=rooms.progress(f"{app.title}: {family.name}"),
        )
        rate = hit_rate(rooms.postgres, app.name, rooms.clock().date(), family.name)
        yield MaterializeResult(
            metadata={
                **_metadata(done),
                **({"hit_rate": rate} if rate is not None else {}),
                "made_from": MetadataValue.json(["/".join(source) for source in sources]),
            },
            check_results=[_fresh(done), _nothing_left_out(done)],
        )

    return warmed


def _metadata(done: Warmed) -> dict[str, Any]:
    found = done.survey
    metadata: dict[str, Any] = {
        "keys": found.wanted,
        "bytes": found.bytes,
        "written": done.written,
        "new": found.new,
        "changed": found.changed,
        "renewed": found.renewed,
        "unchanged": found.unchanged,
        "deleted": done.deleted,
        "left_out": found.left_out,
        "refused": found.refused.number,
        "bytes_written": done.bytes_written,
        "writes_saved": done.writes_saved,
    }
    before = found.fresh(found.wrong_before)
    if done.freshness is not None and before is not None:
        metadata |= {"freshness": done.freshness, "freshness_before": before}
    return metadata


def _fresh(done: Warmed) -> AssetCheckResult:
    share = done.freshness
    return AssetCheckResult(
        check_name="fresh",
        passed=share is not None and share >= FRESH,
        severity=AssetCheckSeverity.WARN if share is None else AssetCheckSeverity.ERROR,
        description=NOTHING_WANTED if share is None else f"{share:.2%} of the wanted keys are present and current.",
        metadata={"freshness": share or 0.0},
    )


def _nothing_left_out(done: Warmed) -> AssetCheckResult:
    found = done.survey
    return AssetCheckResult(
        check_name="nothing_left_out",
        passed=not found.left_out and not found.refused.number,
        severity=AssetCheckSeverity.WARN,
        description=f"{found.left_out:,} keys wait for the next run, {found.refused.number:,} cannot be held.",
        metadata={
            "left_out": found.left_out,
            "most_wanted_left_out": MetadataValue.json(list(found.left_out_first)),
            "refused": found.refused.number,
            "refused_because": MetadataValue.json(found.refused.examples),
        },
    )
