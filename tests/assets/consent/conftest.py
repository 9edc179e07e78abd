"""A stand of a test's own, on the run's embedded Postgres."""

from tests.assets.attribution.conftest import attribution_stores
from tests.assets.rollups.conftest import event_lake

__all__ = ["attribution_stores", "event_lake"]
