"""A store of each kind in turn, and the files of its migrations."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources import sql_files
from resources.d1 import CloudflareD1, EmbeddedD1
from resources.http import Session
from resources.postgres import Postgres
from tests.resources.migrations.shop import FILES, FOLDER, Store
from tests.standin.cloudflare import ACCOUNT, DATABASE, Cloudflare


@pytest.fixture
def http_d1(cloudflare_api: Cloudflare, cloudflare_session: Session) -> CloudflareD1:
    return CloudflareD1(cloudflare_session, ACCOUNT, DATABASE, api=cloudflare_api.api)


@pytest.fixture(params=["embedded D1", "D1 over HTTP", "Postgres"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    if request.param == "embedded D1":
        embedded = EmbeddedD1(tmp_path / "shop.db")
        yield Store("d1", embedded, lambda: EmbeddedD1(tmp_path / "shop.db"))
        embedded.close()
    elif request.param == "D1 over HTTP":
        remote = request.getfixturevalue("http_d1")
        yield Store("d1", remote, lambda: remote)
    else:
        postgres = request.getfixturevalue("postgres")
        yield Store("postgres", postgres, lambda: Postgres(postgres.dsn))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the migrations, which a test may change."""
    root = tmp_path / "sql"
    folder = root / FOLDER
    folder.mkdir(parents=True)
    for name, text in FILES.items():
        (folder / name).write_text(text)
    monkeypatch.setattr(sql_files, "ROOT", root)
    return folder
