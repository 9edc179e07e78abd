"""Looks at experiments as an asset. The work is in look.py; what its checks say is in checks.py."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from dagster import AssetsDefinition, FreshnessPolicy, MaterializeResult, MetadataValue, ResourceParam

from assets.apps import App, Experiments
from assets.description import app_asset, column_schema, table
from assets.experiments import checks, stored
from assets.experiments.look import Looking, Looks
from assets.experiments.report import markdown, share
from assets.experiments.verdict import Look
from assets.rooms import Rooms
from resources.postgres import Postgres

# What the UI shows: so many experiments, the newest first, and so many days of each.
SHOWN = 20
PLOTTED = timedelta(days=20)
_COLUMNS = [
    ("app", "text", "The app whose experiment it is", False),
    ("experiment", "text", "The experiment's key", False),
    ("day", "date", "The UTC day by whose end was counted", False),
    ("metric", "text", "What is counted of each user", False),
    ("variant", "text", "The variant", False),
    ("is_guardrail", "boolean", "Whether the metric only must not get worse", False),
    ("fewer_is_better", "boolean", "Whether a smaller mean is the better one", False),
    ("is_control", "boolean", "Whether the others are compared with it", False),
    ("exposed", "bigint", "Users that have seen the variant", False),
    ("total", "double precision", "The sum of their values; of a conversion, how many converted", False),
    ("squares", "double precision", "The sum of the squares of their values", False),
    ("difference", "double precision", "The mean above the control's", True),
    ("difference_low", "double precision", "Lower end of its interval", True),
    ("difference_high", "double precision", "Upper end of its interval", True),
    ("lift", "double precision", "The difference as a share of the control's mean", True),
    ("lift_low", "double precision", "Lower end of its interval", True),
    ("lift_high", "double precision", "Upper end of its interval", True),
    ("p", "double precision", "Evidence against no difference, valid at every look", True),
    ("detectable_lift", "double precision", "The lift that is found in 4 of 5 cases by the planned total", True),
    ("verdict", "text", "control, running, better, worse, no difference, mismatch or unknown", False),
    ("why", "text", "The reason of the verdict", False),
]


def build(app: App, experiments: Experiments) -> list[AssetsDefinition]:
    """The asset of an app that makes experiments."""

    @app_asset(
        app,
        "experiments",
        "results",
        store="postgres",
        holds=[("postgres", "experiments.looks"), ("postgres", "experiments.results")],
        kinds={"postgres", "python"},
        checks=checks.DESCRIPTIONS,
        description=(
            "What each variant of each experiment brought by the end of yesterday (UTC), and what may be said of it:"
            " lift, interval and p of an inference that stays valid although it is looked at every day. All users count"
            " that have seen their variant, from the first day on. Where they are not split as planned there is no"
            " verdict."
        ),
        metadata={"dagster/table_name": "experiments.results", "dagster/column_schema": column_schema(_COLUMNS)},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)),
    )
    def looked(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        found = Looking.of(rooms, app, experiments).run()
        newest = sorted(found.looks, key=lambda look: look.experiment.started_at, reverse=True)[:SHOWN]
        yield MaterializeResult(
            metadata={
                "day": str(found.day),
                "experiments": len(found.looks),
                "users": sum(look.exposed for look in found.looks),
                "verdicts": table(_verdicts(found)),
                **{
                    f"experiment {look.experiment.key}": _shown(rooms.postgres, app, look, found.day) for look in newest
                },
            },
            check_results=list(checks.results(found)),
        )

    return [looked]


def _shown(postgres: Postgres, app: App, look: Look, day: date) -> MetadataValue[Any]:
    return MetadataValue.md(markdown(look, stored.lately(postgres, app, look.experiment.key, PLOTTED, day)))


def _verdicts(found: Looks) -> list[dict[str, str | int]]:
    """A row for each treatment, by the primary metric."""
    return [
        {
            "experiment": look.experiment.key,
            "variant": result.variant.key,
            "users": result.sample.n,
            "lift": share(result.lift.estimate) if result.lift else "",
            "verdict": result.verdict.value,
            "why": result.why,
            "days_left": "" if look.days_left is None else look.days_left,
        }
        for look in found.looks
        for result in look.results
        if not result.metric.is_guardrail and not result.variant.is_control
    ]
