"""The fixture of the lake's tests: an empty table in the test's own lake."""

import pytest

from resources.lake import Lake, LakeTable
from tests.resources.lake.readings import READINGS


@pytest.fixture
def table(lake: Lake) -> LakeTable:
    """The empty table plant.readings."""
    return lake.ensure(READINGS)
