"""Whether what the settings say of each real store is right, asked of the store itself.

What belongs here: one call a credential, and which variable is wrong where the store refuses it. What does not: whether
a store is set up (doctor.py), and embedded stores, which have no credentials.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

import psycopg
from pyiceberg.exceptions import ForbiddenError, NotFoundError, UnauthorizedError

from assets.apps import APPS
from clearlift_pipelines.cli.doctor import can_write_kv, can_write_objects
from clearlift_pipelines.cli.entry import one_line
from clearlift_pipelines.settings import PREFIX
from clearlift_pipelines.stores import Stores
from resources.http import HttpError
from resources.postgres import Postgres, PostgresUnreachableError
from resources.r2 import ObjectNotFoundError

# A call that needs a credential, and which variable is wrong where it fails.
Asked: TypeAlias = tuple[Callable[[], object], Callable[[Exception], str]]
NO_ROUTE = {"7000", "7003"}  # of Cloudflare's API: there is no such account


def faults(stores: Stores) -> list[str]:
    """A line for each variable that its store refuses, with the reason; a variable is named once."""
    found: dict[str, str] = {}
    for ask, blame in _asked(stores):
        try:
            ask()
        except Exception as error:  # noqa: BLE001 (whatever a store answers is about its credential)
            found.setdefault(blame(error), one_line(error))
    return [f"{variable}: {reason}" for variable, reason in found.items()]


def _asked(stores: Stores) -> Iterator[Asked]:
    yield from _of_apps(stores)
    s = stores.settings
    if s.r2_bucket:
        yield lambda: can_write_objects(stores.object_store), _of_r2
    if s.lake_catalog_uri:
        yield lambda: stores.lake.catalog.list_namespaces(), _of_catalog
    if stores.r2_sql is not None:
        yield partial(stores.r2_sql.query, "select 1 as one"), _of_r2_sql
    if s.postgres_dsn:
        yield partial(_connected, stores.postgres_of_login), partial(_always, _name("postgres_dsn"))
    if s.postgres_role:
        yield partial(_connected, stores.postgres), _of_role
    if s.dagster_postgres_url:
        from clearlift_pipelines.history import refuse_unreachable

        url = s.dagster_postgres_url.get_secret_value()
        yield partial(refuse_unreachable, url), partial(_always, _name("dagster_postgres_url"))


def _of_apps(stores: Stores) -> Iterator[Asked]:
    s = stores.settings
    for app in APPS:
        if app.name in s.d1:
            yield partial(stores.d1(app).query, "select 1 as one"), partial(_of_cloudflare, _name("d1", app.name))
        if app.name in s.kv:
            yield partial(can_write_kv, stores.kv(app)), partial(_of_cloudflare, _name("kv", app.name))
        if app.name in s.postgres:
            yield partial(_connected, stores.app_postgres(app)), partial(_always, _name("postgres", app.name))


def _connected(postgres: Postgres) -> None:
    postgres.fetch("select 1 as one")


def _always(variable: str, _error: Exception) -> str:
    return variable


def _of_cloudflare(variable: str, error: Exception) -> str:
    if isinstance(error, HttpError):
        if error.status is None:
            return _name("cloudflare_api_url")
        if error.code in NO_ROUTE:
            return _name("cloudflare_account_id")
        if error.status in (401, 403):
            return _name("cloudflare_api_token")
    return variable


def _of_r2(error: Exception) -> str:
    if isinstance(error, ObjectNotFoundError):
        return _name("r2_bucket")
    refused = ("PermissionDeniedError", "UnauthenticatedError", "400 Bad Request")
    if any(word in str(error) for word in refused):
        return f"{_name('r2_access_key_id')}, {_name('r2_secret_access_key')}"
    return _name("r2_endpoint")


def _of_catalog(error: Exception) -> str:
    if isinstance(error, UnauthorizedError | ForbiddenError):
        return _name("lake_token")
    return _name("lake_warehouse" if isinstance(error, NotFoundError) else "lake_catalog_uri")


def _of_r2_sql(error: Exception) -> str:
    refused = isinstance(error, HttpError) and error.status in (401, 403)
    return _name("r2_sql_token" if refused else "r2_sql_url")


def _of_role(error: Exception) -> str:
    wrong = isinstance(error, psycopg.Error) and not isinstance(error, PostgresUnreachableError)
    return _name("postgres_role" if wrong else "postgres_dsn")


def _name(field: str, app: str = "") -> str:
    return f"{PREFIX}{field}{'__' if app else ''}{app}".upper()
