"""`clearlift doctor`: whether each store can be used."""

import sys
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click
from pydantic import SecretStr
from rich.text import Text

from assets.apps import APPS, App
from clearlift_pipelines import settings
from clearlift_pipelines.cli import tables
from clearlift_pipelines.cli.entry import one_line
from clearlift_pipelines.project import folder
from clearlift_pipelines.stores import NotSetUpError, Stores
from resources import migrations
from resources.counts import counted
from resources.declined import DeclinedError
from resources.kv import KV, Entry
from resources.migrations import State
from resources.postgres import Postgres
from resources.r2 import ObjectStore

POSTGRES = "postgres"
Check = Callable[[], str]


@click.command()
def doctor() -> None:
    """Each store: reachable, migrated, writable; what else is set: usable. A line each, exit code 1 when one is not."""
    with Stores(settings.load()) as stores:
        well = examine(stores)
    sys.exit(0 if well else 1)


def examine(stores: Stores) -> bool:
    """Print a line for each store; whether all is well."""
    console = tables.console()
    well = answers = True
    checks = _checks(stores)
    width = max(len(name) for name, _ in checks)
    for name, check in checks:
        if not answers and name in _in_postgres(stores):
            continue  # its line would be that of Postgres, after the same wait
        try:
            line, good = check(), True
        except DeclinedError as error:
            line, good = str(error), False  # whole, because its end is what to do next
        except Exception as error:  # noqa: BLE001 (any fault of a store is a line of the answer)
            line, good = one_line(error), False
        # A store's own words are not markup.
        shown = Text.assemble((f"{'ok' if good else 'bad':<4}", "green" if good else "red"), f" {name:<{width}} {line}")
        console.print(shown, soft_wrap=True)
        well = well and good
        answers = answers and (good or name != POSTGRES)
    return well


def _in_postgres(stores: Stores) -> set[str]:
    """The checks that ask Postgres too."""
    lakes = set() if stores.settings.lake_catalog_uri else {f"{app.name}-lake" for app in APPS}
    return {"postgres schema"} | lakes


def _checks(stores: Stores) -> list[tuple[str, Check]]:
    kept = [app for app in APPS if app.postgres_migrations is not None]
    chosen = stores.settings
    checks: list[tuple[str, Check]] = [
        ("home", partial(_home, chosen.home)),
        (POSTGRES, partial(_postgres, stores.postgres)),
        *((f"{app.name}-postgres", partial(_postgres, stores.app_postgres(app))) for app in kept),
        ("object store", partial(_objects, stores.object_store)),
        ("backups", partial(_backups, stores)),
        *((f"{app.name}-lake", partial(_lake, stores, app)) for app in APPS if app.audience is not None),
        *((f"{name} schema", partial(_migrated, applied, folder)) for name, applied, folder in stores.migrated()),
        *((f"{app.name}-kv", partial(_kv, stores.kv(app))) for app in APPS if app.has_kv),
    ]
    if chosen.dagster_postgres_url:
        checks.append(("run history", partial(_run_history, chosen.dagster_postgres_url)))
    if chosen.ui_password or chosen.ui_proxy_header or chosen.ui_proxy_address:
        checks.append(("ui", partial(_ui, chosen)))
    return checks


def _home(home: Path) -> str:
    if not home.exists():
        return f"{home}: not made yet"
    if home.stat().st_mode & 0o077:
        raise DeclinedError(f"{home}: others may enter it", f"`chmod 700 {home}`")
    settings_file = (folder() / ".env").resolve()
    if settings_file.exists() and settings_file.stat().st_mode & 0o077:
        raise DeclinedError(f"{settings_file}: others may read it", f"`chmod 600 {settings_file}`")
    return f"{home}: for its owner alone"


def _postgres(postgres: Postgres) -> str:
    with postgres.connection() as connection:
        connection.execute("create temporary table writable (x int) on commit drop")
    return f"{postgres.address}: reachable, writable"


def _objects(store: ObjectStore) -> str:
    can_write_objects(store)
    return f"{store.uri()}: reachable, writable"


def _backups(stores: Stores) -> str:
    can_write_backups(stores.backup_store, stores.backup_prefix)
    beside = "" if stores.settings.backup_bucket else ", in the bucket that they are copies of"
    return f"{stores.backup_store.uri(stores.backup_prefix)}: reachable, writable{beside}"


def _lake(stores: Stores, app: App) -> str:
    from assets.events.table import events_table

    table = events_table(app)
    name = ".".join(table.identifier)
    if not stores.lake.exists(table):
        raise NotSetUpError(f"{name} is missing")
    opened = stores.lake.table(table)
    carried = opened.examined()
    place = f"{name}: {opened.load().metadata.location}"
    return f"{place}; others changed: {', '.join(carried)}" if carried else place


def _migrated(applied: migrations.AppliedMigrations, folder: str) -> str:
    standing = migrations.status(applied, folder)
    drifted = [f"{s} {s.drift}" for s in standing if s.drift]
    if drifted:
        raise click.ClickException(f"sql/{folder}: {'; '.join(drifted)}")
    pending = [s for s in standing if s.state is State.PENDING]
    if pending:
        said = f"{counted(len(pending), 'migration')} pending, the first {pending[0]}"
        raise DeclinedError(said, "`clearlift migrate up`")
    return f"{counted(len(standing), 'migration')} applied"


def _kv(kv: KV) -> str:
    can_write_kv(kv)
    return "reachable, writable"


def _run_history(url: SecretStr) -> str:
    from clearlift_pipelines.history import refuse_unreachable

    refuse_unreachable(url.get_secret_value())
    return "reachable"


def _ui(chosen: settings.Settings) -> str:
    from clearlift_pipelines.login import login_for

    login_for("127.0.0.1", chosen)
    return "visitors are asked who they are"


def can_write_objects(store: ObjectStore) -> None:
    """Put and delete an object; the store's own error where it cannot."""
    key = f"doctor/{uuid.uuid4()}"
    store.put(key, b"ok")
    store.delete(key)


def can_write_backups(store: ObjectStore, prefix: str) -> None:
    """Put an object that stays, because a lock of the bucket may forbid to delete; the store's own error where it
    cannot.
    """
    store.put_if_absent(f"{prefix}/writable", b"ok")


def can_write_kv(kv: KV) -> None:
    """Put and delete a key; the store's own error where it cannot."""
    key = f"doctor:{uuid.uuid4()}"
    kv.put_many([Entry(key, b"ok", ttl=60)])
    kv.delete_many([key])
