"""A lake over a local folder and a catalog in a Postgres database, closed after use. No fixtures here."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pyiceberg.catalog import Catalog
from pyiceberg.catalog.sql import SqlCatalog

from resources.lake import Lake
from resources.lake.catalogs import sql_catalog
from resources.postgres import Postgres


@contextmanager
def opened(postgres: Postgres, folder: Path) -> Iterator[Lake]:
    """A lake with its data below `folder`; two lakes of one database and folder share their tables."""
    catalogs: list[Catalog] = []

    def open_catalog() -> Catalog:
        catalogs.append(sql_catalog(postgres.dsn, (folder / "lake").as_uri(), {}))
        return catalogs[-1]

    yield Lake(open_catalog, partial(postgres.lock, "test.lake.commit"), folder.as_uri())
    for catalog in catalogs:
        assert isinstance(catalog, SqlCatalog)
        catalog.engine.dispose()
