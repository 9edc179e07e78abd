"""Cache assets: how often keys are read, and one asset a family of keys. The work is in demand.py and warm.py."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    MetadataValue,
    ResourceParam,
)

from assets.apps import App
from assets.cache import warm
from assets.cache.demand import Demand, hit_rate
from assets.cache.families import families
from assets.cache.wanted import Family
from assets.cache.warm import Warmed
from assets.description import app_asset
from assets.rooms import Rooms
from resources.counts import counted

# The share of the wanted keys that the index must call present and current after a warming.
FRESH = 0.99
NOTHING_WANTED = "No key is wanted, so nothing is proved."


def build(app: App, writes: int) -> list[AssetsDefinition]:
    """The caches of an app. writes: how many keys of a family one run may write."""
    wanted = families(app)
    return [_demand(app, wanted), *(_family(app, family, writes) for family in wanted)] if wanted else []


def _demand(app: App, wanted: Sequence[Family]) -> AssetsDefinition:
    # The counts name keys, and a key names the person whose value it holds.
    @app_asset(
        app,
        "cache",
        "demand",
        store="postgres",
        holds=[("kv", family.name) for family in wanted],
        kinds={"postgres", "json"},
        description=(
            f"How often each key was read on a day, from the access log that {app.title} writes to R2 under "
            f"access/{app.name}/. Each object of the log is counted exactly once. What is read most is warmed first."
        ),
        metadata={"dagster/table_name": "cache.reads"},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=26), warn_window=timedelta(hours=3)),
        checks={
            "lines_are_readable": "No line of the access log was refused in this run.",
        },
    )
    def demand(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        done = Demand(
            rooms.object_store,
            rooms.postgres,
            rooms.clock,
            progress=rooms.progress("access logs counted"),
        ).run(app, wanted)
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
    sources = [[app.name, *source] for source in family.reads]

    @app_asset(
        app,
        "cache",
        family.name,
        store="kv",
        holds=[("kv", family.name)],
        kinds={"cloudflare", "workerskv", "json"},
        deps=[[app.name, "cache", "demand"], *sources],
        description=f"{family.doc}: `{family.key}`. A value that did not change is not written again.",
        pool="kv",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=26), warn_window=timedelta(hours=3)),
        checks={
            "fresh": (
                f"By the index, at least {FRESH:.0%} of the wanted keys are present and current. "
                "Whether KV holds them, cache/verified finds out daily."
            ),
            "nothing_left_out": f"The budget of {writes:,} writes a run left out no wanted key, and KV can hold all.",
        },
    )
    def warmed(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        progress = rooms.progress(f"{app.title}: {family.name}")
        done = warm.of(rooms, app).run(family, writes=writes, progress=progress)
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
    survey = done.survey
    metadata: dict[str, Any] = {
        "keys": survey.wanted,
        "bytes": survey.bytes,
        "written": done.written,
        "new": survey.new,
        "changed": survey.changed,
        "renewed": survey.renewed,
        "unchanged": survey.unchanged,
        "deleted": done.deleted,
        "left_out": survey.left_out,
        "refused": survey.refused.number,
        "bytes_written": done.bytes_written,
        "writes_saved": done.writes_saved,
    }
    before = survey.fresh(survey.wrong_before)
    if done.freshness is not None and before is not None:
        metadata |= {"freshness": done.freshness, "freshness_before": before}
    return metadata


def _fresh(done: Warmed) -> AssetCheckResult:
    share = done.freshness
    text = NOTHING_WANTED if share is None else f"By the index, {share:.2%} of the wanted keys are present and current."
    return AssetCheckResult(
        check_name="fresh",
        passed=share is not None and share >= FRESH,
        severity=AssetCheckSeverity.WARN if share is None else AssetCheckSeverity.ERROR,
        description=text,
        metadata={"freshness": share or 0.0},
    )


def _nothing_left_out(done: Warmed) -> AssetCheckResult:
    survey = done.survey
    return AssetCheckResult(
        check_name="nothing_left_out",
        passed=not survey.left_out and not survey.refused.number,
        severity=AssetCheckSeverity.WARN,
        description=(
            f"{counted(survey.left_out, 'key waits', 'keys wait')} for the next run, "
            f"{survey.refused.number:,} cannot be held{': ' if survey.refused.examples else ''}"
            f"{'; '.join(survey.refused.examples)}."
        ),
        metadata={
            "left_out": survey.left_out,
            "most_wanted_left_out": MetadataValue.json(list(survey.left_out_first)),
            "refused": survey.refused.number,
            "refused_because": MetadataValue.json(survey.refused.examples),
        },
    )
