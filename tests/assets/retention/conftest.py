"""A ground of a test's own, on the run's embedded Postgres."""

import pytest

from tests.assets.archive.conftest import vault
from tests.assets.archive.vault import Vault
from tests.assets.retention.ground import Ground

__all__ = ["ground", "vault"]


@pytest.fixture
def ground(vault: Vault) -> Ground:
    """Empty stores, half a year after the quarter that they are about."""
    return Ground(vault)
