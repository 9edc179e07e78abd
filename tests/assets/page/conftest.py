"""Migrated stores without a row, and what a page reads of them, at one moment."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from dagster import DagsterInstance
from pydantic import SecretStr

from assets.page.source import Source
from clearlift_pipelines import page, settings
from clearlift_pipelines.stores import Stores

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def stores(tmp_path: Path, postgres_dsn: str) -> Iterator[Stores]:
    found = Stores(settings.load(home=tmp_path / "home", postgres_dsn=SecretStr(postgres_dsn)), clock=lambda: NOW)
    found.migrate()
    yield found
    found.close()


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as found:
        yield found


@pytest.fixture
def source(stores: Stores, instance: DagsterInstance) -> Source:
    return page.source_of(stores, instance)
