"""What the tests of the lake share: a lake of the test's own, with one empty table."""

import pytest

from resources.lake import Lake, LakeTable
from tests.resources.lake.readings import READINGS


@pytest.fixture
def table(lake: Lake) -> LakeTable:
    """The empty table plant.readings."""
    return lake.ensure(READINGS)
