"""A watch over stores that are migrated and have the sample's organisations."""

from collections.abc import Iterator

import pytest

from tests.assets.health.watch import Watch, watching
from tests.clearlift_pipelines.cli.conftest import migrated
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.clearlift_pipelines.conftest import _small_platforms, bare_environment, migrated_dsn

__all__ = ["_small_platforms", "bare_environment", "migrated", "migrated_dsn"]


@pytest.fixture
def watch(migrated: Terminal) -> Iterator[Watch]:
    with watching(migrated) as found:
        yield found
