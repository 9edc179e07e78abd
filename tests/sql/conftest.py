"""An empty D1 in each room: embedded, and Cloudflare's own runtime for what rests on the engine's finer points."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.d1 import D1, CloudflareD1, EmbeddedD1
from tests.workerd.local_runtime import local_session, running, skip_without_runtime

DATABASES = 20


@pytest.fixture(scope="session")
def empty_databases(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[D1]]:
    """Databases of Cloudflare's local runtime that no test has used; a test takes one."""
    skip_without_runtime(request, "D1's schemas")
    with running(tmp_path_factory.mktemp("cloudflare"), databases=DATABASES, namespaces=1) as local:
        yield [CloudflareD1(local_session(), "", database, api=local.api) for database in local.databases]


@pytest.fixture(params=["embedded", pytest.param("workerd", marks=pytest.mark.xdist_group("workerd"))])
def each_d1(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[D1]:
    """An empty D1 in each room."""
    if request.param == "embedded":
        d1: D1 = EmbeddedD1(tmp_path / "d1.sqlite")
    else:
        d1 = request.getfixturevalue("empty_databases").pop()
    yield d1
    d1.close()
