"""Migrated stores of all apps, with somebody in them who is to be erased, and others."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.d1 import D1
from resources.postgres import Postgres
from tests.app_databases import AppDatabases
from tests.assets.archive.conftest import archive_stores
from tests.assets.erasure.inhabited import ANNA, BERT, Inhabited, migrated, sesh_user
from tests.resources.lake.opened import opened

__all__ = ["archive_stores"]


@pytest.fixture(scope="session")
def migrated_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The D1 of each app, migrated, to be copied."""
    folder = tmp_path_factory.mktemp("migrated")
    for d1 in migrated(folder).values():
        d1.close()
    return folder


@pytest.fixture
def inhabited(
    postgres: Postgres, app_databases: AppDatabases, migrated_files: Path, tmp_path: Path
) -> Iterator[Inhabited]:
    """Empty migrated stores of all apps."""
    shutil.copytree(migrated_files, tmp_path / "r2")
    with opened(postgres, tmp_path / "r2") as lake, Postgres(app_databases.of(tmp_path, "app_growth")) as growth:
        found = Inhabited(postgres, growth, lake, tmp_path)
        yield found
        found.close()


@pytest.fixture
def sesh(inhabited: Inhabited) -> D1:
    """Sesh's D1 with two users."""
    d1 = inhabited.d1["sesh"]
    for name in (ANNA, BERT):
        sesh_user(d1, name)
    return d1
