"""The rooms of D1 for the contract suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.d1 import D1, CloudflareD1, EmbeddedD1, Statement
from resources.d1.names import quoted
from resources.http import Session
from tests.standin.cloudflare import ACCOUNT, DATABASE, Cloudflare
from tests.workerd.local_runtime import Workerd, local_session

TABLES = "select name from sqlite_master where type = 'table' and name not like 'sqlite%' and name not like '_cf%'"


@pytest.fixture
def standin_d1(cloudflare_api: Cloudflare, cloudflare_session: Session) -> CloudflareD1:
    """The real client on the stand-in."""
    return CloudflareD1(cloudflare_session, ACCOUNT, DATABASE, api=cloudflare_api.api)


@pytest.fixture(params=["embedded", "standin", pytest.param("workerd", marks=pytest.mark.xdist_group("workerd"))])
def d1(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[D1]:
    """An empty D1 database in each room."""
    if request.param == "embedded":
        database: D1 = EmbeddedD1(tmp_path / "new" / "folder" / "d1.sqlite")
    elif request.param == "standin":
        database = request.getfixturevalue("standin_d1")
    else:
        workerd: Workerd = request.getfixturevalue("workerd")
        database = CloudflareD1(local_session(), "", workerd.databases[0], api=workerd.api)
        names = [row["name"] for row in database.query(TABLES)]
        drops = [Statement(f"drop table {quoted(name)}") for name in names]
        database.batch([Statement("pragma defer_foreign_keys = on"), *drops])
    yield database
    database.close()
