"""A stand of a test's own, on the run's embedded Postgres."""

import pytest

from tests.assets.attribution.stand import Stand
from tests.assets.rollups.conftest import lakeside
from tests.assets.rollups.lakeside import Lakeside

__all__ = ["lakeside", "stand"]


@pytest.fixture
def stand(lakeside: Lakeside) -> Stand:
    """The sample's organisations, an empty lake, no campaign."""
    return Stand(lakeside)
