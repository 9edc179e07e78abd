"""The page as Dagster shows it: a sensor that writes it every 5 minutes, and its asset. It works without runs.

What does not belong here: what the page says (health_page.py).
"""

from collections.abc import Callable
from dataclasses import dataclass

from dagster import (
    AssetKey,
    AssetMaterialization,
    AssetSpec,
    DagsterInstance,
    DefaultSensorStatus,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
)

from assets.apps.pipelines import PIPELINES
from assets.capability import job_name
from assets.description import asset_arguments
from assets.page.blocks import Standing

EVERY = 300
PREFIX = "pages/"
KEY = f"{PREFIX}health.html"
NAME = job_name(PIPELINES, "page")
PAGE = AssetKey([PIPELINES.name, "health", "page"])
SAYS = "Writes the page of how the pipelines stand to R2, as one HTML file."


@dataclass(frozen=True)
class Written:
    """A page that was written: where, its bytes, the seconds that it took, how things stand by it, its hour (UTC)."""

    uri: str
    bytes: int
    seconds: float
    standing: Standing
    hour: str


def asset() -> AssetSpec:
    """The page as an asset."""
    arguments = asset_arguments(
        PIPELINES, "health", "page", store="r2", holds=[("r2", PREFIX)], kinds={"html", "cloudflare"}
    )
    return AssetSpec(
        **arguments,
        deps=[AssetKey([PIPELINES.name, "health", "findings"])],
        description=f"How the pipelines stand, to look at: docs/page.md. {SAYS} Served by `clearlift page`.",
    )


def sensor(write: Callable[[DagsterInstance], Written]) -> SensorDefinition:
    """What writes it. One event an hour says so: that of every look would be 288 rows a day in the run history."""

    def evaluate(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        written = write(context.instance)
        said = f"{written.bytes:,} bytes in {written.seconds:.1f} s: {written.uri}"
        if written.hour == context.cursor:
            return SkipReason(said)
        metadata: dict[str, str | int | float] = {
            "uri": written.uri,
            "bytes": written.bytes,
            "seconds": written.seconds,
            "standing": str(written.standing),
        }
        event = AssetMaterialization(PAGE, metadata=metadata)
        return SensorResult(cursor=written.hour, skip_reason=said, asset_events=[event])

    return SensorDefinition(
        name=NAME,
        evaluation_fn=evaluate,
        minimum_interval_seconds=EVERY,
        default_status=DefaultSensorStatus.RUNNING,
        description=SAYS,
        owners=[PIPELINES.owner],
    )
