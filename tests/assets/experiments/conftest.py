"""An app's own Postgres with experiments in it, beside ours."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.postgres import Postgres
from tests.assets.experiments.lab import Lab
from tests.databases import database, template_of


@pytest.fixture
def lab(postgres: Postgres, postgres_server: str, tmp_path: Path) -> Iterator[Lab]:
    """An app without an experiment so far."""
    with database(postgres_server, template_of(postgres_server, "growth/postgres")) as dsn, Postgres(dsn) as source:
        yield Lab(source, postgres, tmp_path)
