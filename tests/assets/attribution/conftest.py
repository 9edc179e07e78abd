"""A stand of a test's own, on the run's embedded Postgres."""

import pytest

from tests.assets.attribution.attribution_stores import AttributionStores
from tests.assets.rollups.conftest import event_lake
from tests.assets.rollups.event_lake import EventLake

__all__ = ["attribution_stores", "event_lake"]


@pytest.fixture
def attribution_stores(event_lake: EventLake) -> AttributionStores:
    """The sample's organisations, an empty lake, no campaign."""
    return AttributionStores(event_lake)
