"""A lake and sessions of a test's own, on the run's embedded Postgres."""

from tests.assets.rollups.conftest import event_lake

__all__ = ["event_lake"]
