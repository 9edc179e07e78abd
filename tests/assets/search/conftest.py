"""Migrated, real stores of all apps that a module's tests share, with Dagster's storage beside them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from dagster import DagsterInstance
from pydantic import SecretStr

from assets.apps.clearlift import APP as CLEARLIFT
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from sandbox import sample_stores
from tests.databases import database


@dataclass
class Searched:
    stores: Stores
    instance: DagsterInstance


@pytest.fixture(scope="module")
def searched(
    postgres_server: str, migrated_dsn: str, tmp_path_factory: pytest.TempPathFactory, app_databases: object
) -> Iterator[Searched]:
    """Every store, migrated, with the sample's organisations."""
    folder = tmp_path_factory.mktemp("searched")
    with (
        database(postgres_server, migrated_dsn) as dsn,
        Stores(settings.load(home=folder / "home", postgres_dsn=SecretStr(dsn))) as stores,
        DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as instance,
    ):
        stores.migrate()
        sample_stores.fill_d1(stores.d1(CLEARLIFT))
        yield Searched(stores, instance)
