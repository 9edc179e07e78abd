"""Consignment's D1 in an embedded room, and in Cloudflare's own runtime for what rests on the engine's finer points."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.d1 import D1, CloudflareD1
from tests.sql.consignment.database import make, migrated
from tests.workerd.local_runtime import NotInstalledError, installed, local_session, running

DATABASES = 6


@pytest.fixture
def consignment(tmp_path: Path) -> Iterator[D1]:
    """Consignment's empty D1."""
    d1 = migrated(tmp_path / "consignment.sqlite")
    yield d1
    d1.close()


@pytest.fixture(scope="session")
def empty_databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[D1]]:
    """Databases of Cloudflare's local runtime that no test has used; a test takes one."""
    try:
        installed()
    except NotInstalledError as error:
        line = f"SKIPPED: Consignment against workerd, Cloudflare's local runtime: npm install failed: {error}"
        with request.config.pluginmanager.getplugin("capturemanager").global_and_fixture_disabled():
            sys.stderr.write(f"\n{line}\n")
        pytest.skip(line)
    with running(tmp_path_factory.mktemp("cloudflare"), databases=DATABASES, namespaces=1) as local:
        yield [CloudflareD1(local_session(), "", database, api=local.api) for database in local.databases]


@pytest.fixture(params=["embedded", pytest.param("workerd", marks=pytest.mark.xdist_group("workerd"))])
def each_consignment(request: pytest.FixtureRequest) -> Iterator[D1]:
    """Consignment's empty D1 in each room."""
    if request.param == "embedded":
        yield request.getfixturevalue("consignment")
        return
    d1: D1 = request.getfixturevalue("empty_databases").pop()
    make(d1)
    yield d1
    d1.close()
