"""The code location of a test's own."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clearlift_pipelines.location import Location, located


@pytest.fixture
def location(tmp_path: Path, postgres_dsn: str) -> Iterator[Location]:
    """Definitions over migrated, empty stores."""
    with located(tmp_path / "home", postgres_dsn) as found:
        yield found


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No CLEARLIFT_ variable, no .env file, and an empty folder to work in."""
    for name in list(os.environ):
        if name.startswith("CLEARLIFT_") or name == "DAGSTER_HOME":
            monkeypatch.delenv(name)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
