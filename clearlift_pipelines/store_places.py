"""Which stores the settings make real, and where each lies: for `clearlift doctor`, Dagster's UI, and production, which
takes no embedded one.

What does not belong here: whether a store can be used (store_checks.py), and opening it (stores.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from pydantic import SecretStr

from assets.apps import APPS
from clearlift_pipelines import places
from clearlift_pipelines.variables import variable_of

if TYPE_CHECKING:
    from clearlift_pipelines.settings import Settings

REAL, EMBEDDED = "real", "embedded"


@dataclass(frozen=True)
class StorePlace:
    """A store by its name. where: a folder, or an address without its credentials. variable: what makes it real."""

    name: str
    where: str
    is_real: bool
    variable: str

    @property
    def kind(self) -> str:
        return REAL if self.is_real else EMBEDDED


def of(chosen: "Settings") -> list[StorePlace]:
    """Every store of the settings."""
    return [*_of_all_apps(chosen), *_of_apps(chosen)]


def _of_all_apps(s: "Settings") -> Iterator[StorePlace]:
    postgres, r2, lakes = s.postgres_dsn is not None, s.r2_bucket is not None, s.lake_catalog_uri is not None
    yield StorePlace("postgres", _database(s.postgres_dsn, s.home / "postgres"), postgres, variable_of("postgres_dsn"))
    bucket = f"bucket {s.r2_bucket} of {_host(s.r2_endpoint) or 'Cloudflare R2'}"
    yield StorePlace("object store", bucket if r2 else str(s.home / "r2"), r2, variable_of("r2_bucket"))
    backups = s.backup_bucket or s.r2_bucket
    where = f"bucket {backups}, prefix {s.backup_prefix}" if backups else str(s.home / "r2" / s.backup_prefix)
    yield StorePlace("backups", where, backups is not None, variable_of("r2_bucket"))
    history = s.dagster_postgres_url
    yield StorePlace(
        "run history",
        _database(history, "SQLite in DAGSTER_HOME"),
        history is not None,
        variable_of("dagster_postgres_url"),
    )
    variable = s.as_given(variable_of("lake_catalog_uri"))
    in_our_own = "catalog in our Postgres, files in the object store"
    for app in (app for app in APPS if app.audience is not None):
        where = f"catalog at {_host(s.lake_catalog_uri)}" if lakes else in_our_own
        yield StorePlace(f"{app.name}-lake", where, lakes or (postgres and r2), variable)


def _of_apps(s: "Settings") -> Iterator[StorePlace]:
    for app in APPS:
        name = app.name
        if app.d1_migrations is not None:
            file = str(s.home / "d1" / f"{name}.sqlite")
            given = s.d1.get(name)
            where = f"database {given}" if given else file
            yield StorePlace(f"{name}-d1", where, given is not None, variable_of("d1", name))
        if app.postgres_migrations is not None:
            dsn = s.postgres.get(name)
            where = _database(dsn, f"{s.home / 'postgres'}, a database of its own")
            yield StorePlace(f"{name}-postgres", where, dsn is not None, variable_of("postgres", name))
        if app.has_kv:
            given = s.kv.get(name)
            where = f"namespace {given}" if given else str(s.home / "kv" / f"{name}.sqlite")
            yield StorePlace(f"{name}-kv", where, given is not None, variable_of("kv", name))


def _database(dsn: SecretStr | None, otherwise: Path | str) -> str:
    if dsn is None:
        return str(otherwise)
    found = places.database(dsn.get_secret_value())
    return "{}:{}/{}".format(*found) if found else "an address that cannot be read"


def _host(url: str | None) -> str:
    return urlsplit(url).netloc.rpartition("@")[2] if url else ""
