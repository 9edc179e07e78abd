"""What the tests of the assets share: the path from landing zone to lake, over stores of the test's own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.lake import LakeTable
from resources.postgres import Postgres
from tests.assets.pipeline import Pipeline
from tests.resources.lake.opened import opened


@pytest.fixture
def pipeline(postgres: Postgres, tmp_path: Path) -> Iterator[Pipeline]:
    """An empty pipeline; `reset()` empties it again, e.g. for each example of a property."""
    with opened(postgres, tmp_path / "r2") as lake:
        yield Pipeline(postgres, lake, tmp_path / "r2")


@pytest.fixture
def events_table(pipeline: Pipeline) -> LakeTable:
    """The empty lake table of events."""
    return pipeline.table
