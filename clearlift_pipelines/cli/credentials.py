"""Whether what the settings say of each real store is right, asked of the store itself.

What belongs here: one call a credential, and which variable is wrong where the store refuses it. What does not: whether
a store is set up (doctor.py), and embedded stores, which have no credentials.
"""

from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import NamedTuple

from pyiceberg.exceptions import ForbiddenError, RESTError, UnauthorizedError

from assets.apps import APPS
from assets.health.stores import can_write_backups, can_write_kv, can_write_objects
from clearlift_pipelines.cli.entry import one_line
from clearlift_pipelines.stores import Stores
from clearlift_pipelines.variables import variable_of
from resources.declined import DeclinedError
from resources.http import HttpError
from resources.postgres import Postgres, PostgresUnreachableError
from resources.r2 import NO_BUCKET

NO_ROUTE = {"7000", "7003"}  # of Cloudflare's API: there is no such account


class Credential(NamedTuple):
    """What a store is asked with: the variable that it is about, the call, and which variable a failure shows to be
    wrong.
    """

    variable: str
    ask: Callable[[], object]
    wrong: Callable[[str, Exception], str] = lambda variable, _: variable


def faults(stores: Stores, about: Collection[str] | None = None) -> dict[str, str]:
    """Each variable that its store refuses, with the reason; of credentials about some variables, by default of all."""
    found: dict[str, str] = {}
    for credential in _credentials(stores):
        if about is not None and credential.variable not in about:
            continue
        try:
            credential.ask()
        except Exception as error:  # noqa: BLE001 (any answer of a store is about its credential)
            # What to do next is said once, below all lines.
            why = error.reason if isinstance(error, DeclinedError) else one_line(error)
            found.setdefault(stores.settings.as_given(credential.wrong(credential.variable, error)), why)
    return found


def _credentials(stores: Stores) -> Iterator[Credential]:
    yield from _of_apps(stores)
    s = stores.settings
    if s.r2_bucket:
        yield Credential(variable_of("r2_bucket"), lambda: can_write_objects(stores.object_store), _of_r2)
    if s.backup_bucket:
        asked = partial(can_write_backups, stores.backup_store, s.backup_prefix)
        yield Credential(variable_of("backup_bucket"), asked, _of_backups if s.backup_endpoint else _of_r2)
    if s.lake_catalog_uri:
        yield Credential(variable_of("lake_catalog_uri"), lambda: stores.lake.catalog.list_namespaces(), _of_catalog)
    if (r2_sql := stores.r2_sql or stores.r2_sql_counts) is not None:
        yield Credential(variable_of("r2_sql_token"), partial(r2_sql.query, "select 1 as one"), _of_r2_sql)
    if s.postgres_dsn:
        yield Credential(variable_of("postgres_dsn"), partial(_connected, stores.postgres_of_login))
    if s.postgres_role:
        yield Credential(variable_of("postgres_role"), partial(_connected, stores.postgres), _of_role)
    if s.dagster_postgres_url:
        from clearlift_pipelines.history import refuse_unreachable

        url = s.dagster_postgres_url.get_secret_value()
        yield Credential(variable_of("dagster_postgres_url"), partial(refuse_unreachable, url))


def _of_apps(stores: Stores) -> Iterator[Credential]:
    s = stores.settings
    for app in APPS:
        if app.name in s.d1:
            yield Credential(
                variable_of("d1", app.name), partial(stores.d1(app).query, "select 1 as one"), _of_cloudflare
            )
        if app.name in s.kv:
            yield Credential(
                variable_of("kv", app.name), partial(can_write_kv, stores.kv(app), stores.clock()), _of_cloudflare
            )
        if app.name in s.postgres:
            yield Credential(variable_of("postgres", app.name), partial(_connected, stores.app_postgres(app)))


def _connected(postgres: Postgres) -> None:
    postgres.fetch("select 1 as one")


def _of_cloudflare(variable: str, error: Exception) -> str:
    if isinstance(error, HttpError):
        if error.status is None:
            return variable_of("cloudflare_api_url")
        if error.code in NO_ROUTE:
            return variable_of("cloudflare_account_id")
        if error.status in (401, 403):
            return variable_of("cloudflare_api_token")
    return variable


def _of_r2(variable: str, error: Exception) -> str:
    return _of_bucket("r2", variable, error)


def _of_backups(variable: str, error: Exception) -> str:
    return _of_bucket("backup", variable, error)


def _of_bucket(family: str, variable: str, error: Exception) -> str:
    if NO_BUCKET in str(error):
        return variable
    # 400 is R2's answer to a key id that is none.
    if any(f"answers {status}" in str(error) for status in (400, 401, 403)):
        return f"{variable_of(f'{family}_access_key_id')}, {variable_of(f'{family}_secret_access_key')}"
    return variable_of(f"{family}_endpoint")


def _of_catalog(_variable: str, error: Exception) -> str:
    if isinstance(error, UnauthorizedError | ForbiddenError):
        return variable_of("lake_token")
    return variable_of("lake_warehouse" if isinstance(error, RESTError) else "lake_catalog_uri")


def _of_r2_sql(_variable: str, error: Exception) -> str:
    refused = isinstance(error, HttpError) and error.status in (401, 403)
    return variable_of("r2_sql_token" if refused else "r2_sql_url")


def _of_role(variable: str, error: Exception) -> str:
    return variable_of("postgres_dsn") if isinstance(error, PostgresUnreachableError) else variable
