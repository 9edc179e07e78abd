"""Migrated stores of all apps, with somebody in them who is to be erased, and others."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.postgres import Postgres
from tests.app_databases import AppDatabases
from tests.assets.erasure.inhabited import Inhabited
from tests.resources.lake.opened import opened


@pytest.fixture
def inhabited(postgres: Postgres, app_databases: AppDatabases, tmp_path: Path) -> Iterator[Inhabited]:
    """Empty migrated stores of all apps."""
    with opened(postgres, tmp_path / "r2") as lake, Postgres(app_databases.of(tmp_path, "app_growth")) as growth:
        found = Inhabited(postgres, growth, lake, tmp_path)
        yield found
        found.close()
