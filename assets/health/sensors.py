"""The two sensors: one looks, one tells. Both work without runs, because 288 runs a day would say nothing more.

What belongs here: Dagster's definitions, and what is sent where the ledger itself cannot be reached. What does not: the
engines (look.py, alerts.py).
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime
from textwrap import shorten

import psycopg
from dagster import (
    AssetKey,
    AssetMaterialization,
    AssetSpec,
    DagsterInstance,
    DefaultSensorStatus,
    RepositoryDefinition,
    SensorDefinition,
    SensorEvaluationContext,
    SensorResult,
    SkipReason,
)

from assets.apps.pipelines import PIPELINES
from assets.capability import job_name
from assets.description import asset_arguments, table
from assets.finding import NOTHING_RAN, NOTHING_WRONG, Severity
from assets.health.alerts import Alerts
from assets.health.look import Look, Looked
from assets.health.message import Alert
from assets.health.receivers import UndeliveredError
from assets.health.stores import LONGEST, LOOK_AGAIN
from assets.health.ticks import ran_ever
from resources.counts import counted
from resources.postgres import PostgresUnreachableError
from resources.redaction import redact

LOOKS_EVERY, TELLS_EVERY = 300, 60
LOOK_NAME, TELL_NAME = job_name(PIPELINES, "health"), job_name(PIPELINES, "alerts")
LOOKS = "Looks at stores, ledgers and runs, and keeps what is wrong as findings."
TELLS = "Sends what is new of the findings to the receiver that is set, once."
FINDINGS = AssetKey([PIPELINES.name, "health", "findings"])
UNREADABLE = "unreadable"
SHOWN = 100

Looks = Callable[[DagsterInstance, RepositoryDefinition], Look]


def asset() -> AssetSpec:
    """The findings as an asset, so that the UI shows them."""
    return AssetSpec(
        **asset_arguments(PIPELINES, "health", "findings", store="postgres", holds=[], kinds={"postgres"}),
        description=f"What is wrong of all rooms and stores, with the command that ends it. {LOOKS}",
    )


def build(looks: Looks, alerts: Callable[[], Alerts | None]) -> list[SensorDefinition]:
    """Both. alerts: None where nobody gets any."""
    return [_looking(looks), _telling(alerts)]


def _looking(looks: Looks) -> SensorDefinition:
    def evaluate(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        assert context.repository_def is not None  # Dagster evaluates a sensor within its code location
        looked = looks(context.instance, context.repository_def).run()
        said = _said(looked, context.instance)
        # One event for each change: that of every look would be 288 rows a day in the run history.
        news = ";".join(f"{one.what} {one.finding.severity}" for one in looked.found)
        if news == (context.cursor or ""):
            return SkipReason(said)
        return SensorResult(cursor=news, skip_reason=said, asset_events=[_materialization(looked)])

    return SensorDefinition(
        name=LOOK_NAME,
        evaluation_fn=evaluate,
        minimum_interval_seconds=LOOKS_EVERY,
        default_status=DefaultSensorStatus.RUNNING,
        description=LOOKS,
        owners=[PIPELINES.owner],
    )


def _telling(alerts: Callable[[], Alerts | None]) -> SensorDefinition:
    def evaluate(context: SensorEvaluationContext) -> SensorResult | SkipReason:
        engine = alerts()
        if engine is None:
            return SkipReason("Nobody gets alerts: CLEARLIFT_ALERT_URL is not set.")
        try:
            told = engine.run()
        except (PostgresUnreachableError, psycopg.Error) as error:
            return _without_ledger(context, engine, redact(str(error)))
        if told.undelivered:
            context.log.warning(told.undelivered)
        said = f"{counted(told.sent, 'alert')} sent. {told.undelivered}".strip()
        return SensorResult(cursor="", skip_reason=said) if context.cursor else SkipReason(said)

    return SensorDefinition(
        name=TELL_NAME,
        evaluation_fn=evaluate,
        minimum_interval_seconds=TELLS_EVERY,
        default_status=DefaultSensorStatus.RUNNING,
        description=TELLS,
        owners=[PIPELINES.owner],
    )


def _without_ledger(context: SensorEvaluationContext, engine: Alerts, why: str) -> SensorResult | SkipReason:
    """Tell of the ledger itself, once. The sensor's cursor remembers that it was, or since when it is away, because the
    ledger cannot.
    """
    if context.cursor == UNREADABLE:
        return SkipReason(why)
    now = engine.clock()
    if not context.cursor:
        return SensorResult(cursor=now.isoformat(), skip_reason=why)
    if now - datetime.fromisoformat(context.cursor) < engine.passing:
        return SkipReason(why)
    title = "ClearLift Pipelines: 1 critical"
    said = shorten(why.partition(". Next: ")[0], LONGEST, placeholder=" …")
    body = f"CRITICAL {PIPELINES.name}/store: postgres: {said}. Next: {LOOK_AGAIN}"
    key = f"postgres-{now:%Y%m%dT%H%M}"
    try:
        engine.receiver.send(Alert(key, title, f"{body}\nAlert {key}", Severity.CRITICAL))
    except UndeliveredError as undelivered:
        return SkipReason(f"{why} {undelivered}")
    return SensorResult(cursor=UNREADABLE, skip_reason=why)


def _said(looked: Looked, instance: DagsterInstance) -> str:
    counts = Counter(one.finding.severity for one in looked.found)
    said = ", ".join(f"{counts[severity]} {severity}" for severity in reversed(Severity) if counts[severity])
    if said:
        return f"{said}: clearlift status"
    return NOTHING_WRONG if ran_ever(instance) else NOTHING_RAN


def _materialization(looked: Looked) -> AssetMaterialization:
    counts = Counter(one.finding.severity for one in looked.found)
    rows = [
        {
            "severity": one.finding.severity.value,
            "what": one.what,
            "why": one.finding.message,
            "since": f"{one.since:%Y-%m-%d %H:%M}",
            "next": one.finding.command,
        }
        for one in looked.found[:SHOWN]
    ]
    numbers = {severity.value: counts[severity] for severity in Severity}
    return AssetMaterialization(FINDINGS, metadata={**numbers, "findings": table(rows)})
