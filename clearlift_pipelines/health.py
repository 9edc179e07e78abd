"""What is looked at and who gets alerts, by the settings: put together for the sensors and for `clearlift status`.

What does not belong here: the engines (assets/health), and what a room knows of itself (its health.py).
"""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from dagster import DagsterInstance, RepositoryDefinition

from assets.apps import APPS
from assets.apps.pipelines import PIPELINES
from assets.finding import HealthCheck
from assets.health import alerts, asset_checks, run_history, runs, sizes, ticks
from assets.health.alerts import Alerts
from assets.health.ledger import Ledger
from assets.health.look import Look
from assets.health.message import QuietHours
from assets.health.receivers import receiver_of
from clearlift_pipelines.history import history_bytes
from clearlift_pipelines.settings import Settings, SettingsError
from clearlift_pipelines.store_checks import store_checks
from clearlift_pipelines.stores import Stores
from clearlift_pipelines.variables import variable_of

KV_WRITTEN_EVERY = timedelta(hours=1)


def look_of(
    stores: Stores, brought: Sequence[HealthCheck], instance: DagsterInstance, repository: RepositoryDefinition
) -> Look:
    """What looks at everything. brought: the checks of all rooms."""
    chosen = stores.settings
    history = chosen.dagster_postgres_url
    limits, apps = chosen.limits, [app.name for app in (*APPS, PIPELINES)]
    jobs = [name for name in repository.job_names if not name.startswith("__")]
    covered = {name for check in brought for name in check.covers}
    checks = [
        *brought,
        *sizes.checks(stores, APPS, chosen.home, limits),
        *runs.checks(instance, jobs, apps, limits),
        *ticks.checks(instance, repository, apps, limits, stores.postgres),
        *asset_checks.checks(instance, repository, apps, covered),
        alerts.check(stores.postgres),
        run_history.check(partial(history_bytes, history.get_secret_value() if history else None), limits),
    ]
    return Look(
        store_checks(stores, KV_WRITTEN_EVERY), checks, Ledger(stores.postgres, passing_of(chosen)), stores.clock
    )


def passing_of(chosen: Settings) -> timedelta:
    """How long what may pass by itself must be so before people get an alert."""
    return timedelta(minutes=chosen.limits.passing_minutes)


def alerts_of(stores: Stores) -> Alerts | None:
    """Who tells of it; None where nobody gets alerts.

    Raises:
        SettingsError: no receiver is known by the address that is set.
    """
    chosen = stores.settings
    if chosen.alert_url is None:
        return None
    try:
        receiver = receiver_of(chosen.alert_url.get_secret_value(), stores.clock)
    except ValueError as error:
        raise SettingsError(f"{variable_of('alert_url')}: {error}") from None
    quiet = QuietHours.parse(chosen.alert_quiet_hours) if chosen.alert_quiet_hours else None
    return Alerts(stores.postgres, receiver, stores.clock, quiet, passing_of(chosen))
