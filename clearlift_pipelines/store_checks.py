"""Which stores there are to look at, by the settings: what `clearlift doctor` prints a line of, and health looks at.

What does not belong here: the looks themselves (assets/health/stores.py).
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from assets.apps import APPS, App
from assets.health import stores as looks
from assets.health.receivers import receiver_of
from assets.health.stores import StoreCheck
from clearlift_pipelines import store_places
from clearlift_pipelines.project import folder
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.stores import Stores
from clearlift_pipelines.variables import variable_of
from resources.declined import DeclinedError

Opened = TypeVar("Opened")
POSTGRES = "postgres"


def store_checks(stores: Stores, kv_written_every: timedelta = timedelta(0)) -> list[StoreCheck]:
    """A check for each store, and for what else is set. kv_written_every: how rarely a look writes to KV."""
    kept = [app for app in APPS if app.postgres_migrations is not None]
    chosen = stores.settings
    lake_needs = "" if chosen.lake_catalog_uri else POSTGRES
    apart = chosen.backup_bucket is not None
    collecting = [app for app in APPS if app.audience is not None]
    where = {place.name: place.where for place in store_places.of(chosen)}
    checks = [
        StoreCheck("home", partial(_home, chosen.home)),
        StoreCheck(POSTGRES, lambda: looks.postgres(stores.postgres)),
        *(StoreCheck(f"{app.name}-postgres", partial(_of, looks.postgres, stores.app_postgres, app)) for app in kept),
        StoreCheck("object store", lambda: looks.objects(stores.object_store)),
        StoreCheck("backups", lambda: looks.backups(stores.backup_store, stores.backup_prefix, apart=apart)),
        StoreCheck("key set", partial(_key_set, stores), "backups"),
        StoreCheck("backup keys", partial(_backup_keys, stores), "key set"),
        *(StoreCheck(f"{app.name}-lake", partial(_lake, stores, app), lake_needs) for app in collecting),
        *(
            StoreCheck(
                f"{name} schema",
                # Of a Postgres the line above says where it is.
                partial(_at, "" if _needed(name) else where[name], partial(looks.migrated, applied, folder)),
                _needed(name),
            )
            for name, applied, folder in stores.migrated()
        ),
        *(
            StoreCheck(
                f"{app.name}-kv", partial(_at, where[f"{app.name}-kv"], partial(_kv, stores, app, kv_written_every))
            )
            for app in APPS
            if app.has_kv
        ),
    ]
    if chosen.dagster_postgres_url:
        checks.append(StoreCheck("run history", partial(_run_history, chosen.dagster_postgres_url)))
    if chosen.ui_password or chosen.ui_proxy_header or chosen.ui_proxy_address:
        checks.append(StoreCheck("ui", partial(_ui, chosen)))
    if chosen.alert_url is not None:
        checks.append(StoreCheck("alerts", partial(_alerts, stores, chosen.alert_url)))
    return checks


def _needed(store: str) -> str:
    """A schema of Postgres needs its database; that of a D1 is the first look at it."""
    return store if store == POSTGRES or store.endswith("-postgres") else ""


def _of(look: Callable[[Opened], str], opened: Callable[[App], Opened], app: App) -> str:
    return look(opened(app))


def _at(where: str, look: Callable[[], str]) -> str:
    return ": ".join(filter(None, (where, look())))


def _kv(stores: Stores, app: App, written_every: timedelta) -> str:
    return looks.kv(stores.kv(app), stores.clock(), written_every)


def _lake(stores: Stores, app: App) -> str:
    return looks.lake(stores.lake, app)


def _key_set(stores: Stores) -> str:
    from assets.backups import key_needs

    return key_needs.check_key_set(stores.backup_store, stores.backup_prefix, lambda: stores.keyring)


def _backup_keys(stores: Stores) -> str:
    from assets.backups import key_needs

    return key_needs.check_keys(stores.backup_store, stores.backup_prefix, lambda: stores.keyring)


def _home(home: Path) -> str:
    if not home.exists():
        return f"{home}: not made yet"
    if home.stat().st_mode & 0o077:
        raise DeclinedError(f"{home}: others may enter it", f"`chmod 700 {home}`")
    settings_file = (folder() / ".env").resolve()
    if settings_file.exists() and settings_file.stat().st_mode & 0o077:
        raise DeclinedError(f"{settings_file}: others may read it", f"`chmod 600 {settings_file}`")
    return f"{home}: for its owner alone"


def _run_history(url: SecretStr) -> str:
    from clearlift_pipelines.history import refuse_unreachable

    refuse_unreachable(url.get_secret_value())
    return "reachable"


def _alerts(stores: Stores, url: SecretStr) -> str:
    try:
        receiver = receiver_of(url.get_secret_value(), stores.clock)
    except ValueError as error:
        raise DeclinedError(f"{variable_of('alert_url')}: {error}", "correct it where it is set") from None
    return f"findings are sent to {receiver.name}"


def _ui(chosen: Settings) -> str:
    from clearlift_pipelines.login import login_for

    login_for("127.0.0.1", chosen)
    return "visitors are asked who they are"
