"""The lake and its catalog: R2 Data Catalog where settings name it, else one in our Postgres.

pyiceberg and pyarrow are imported when a lake is opened, because that takes a second. What does not belong here: what a
lake can do (resources/lake), and when it is opened (stores.py).
"""

from functools import partial
from typing import TYPE_CHECKING

from assets.apps.pipelines import CATALOG_SCHEMA
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.variables import variable_of
from resources.declined import DeclinedError
from resources.postgres import Postgres
from resources.r2 import ObjectStore

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog

    from resources.lake import Lake

LAKE_LOCK = "clearlift.lake.commit"
CATALOG_LOCK = "clearlift.lake.catalog"


class NotSetUpError(DeclinedError):
    """The lake lacks what `Stores.migrate` makes."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason, "`clearlift migrate up` makes it")


def opened(settings: Settings, postgres: Postgres, object_store: ObjectStore) -> "Lake":
    """The lake. postgres: holds its lock, and its catalog where no other one is set."""
    from resources.lake import Lake

    lock = partial(postgres.lock, LAKE_LOCK)
    if settings.lake_catalog_uri:
        return Lake(partial(_rest_catalog, settings), lock)
    catalog = partial(_sql_catalog, settings, postgres, object_store)
    return Lake(catalog, lock, _url(object_store.uri()), object_store.polars_options())


def _rest_catalog(settings: Settings) -> "Catalog":
    from resources.lake.catalogs import rest_catalog

    s = settings
    # Settings admit a catalog only with all three.
    token = s.lake_token.get_secret_value() if s.lake_token else ""
    setting = variable_of("lake_catalog_uri")
    return rest_catalog(s.lake_catalog_uri or "", s.lake_warehouse or "", token, setting=setting)


def _sql_catalog(settings: Settings, postgres: Postgres, object_store: ObjectStore) -> "Catalog":
    from resources.lake.catalogs import sql_catalog

    # One at a time: pyiceberg looks whether the catalog's tables are there before it makes them.
    with postgres.lock(CATALOG_LOCK) as connection:
        if connection.execute("select where to_regnamespace(%s) is null", (CATALOG_SCHEMA,)).fetchall():
            raise NotSetUpError("the lake's catalog is missing")
        return sql_catalog(
            postgres.dsn,
            _url(object_store.uri("lake")),
            object_store.iceberg_properties(),
            schema=CATALOG_SCHEMA,
            role=settings.postgres_role,
        )


def _url(uri: str) -> str:
    # Not percent-encoded: pyiceberg takes the path as it stands, a space in it too.
    return uri if "://" in uri else f"file://{uri}"
