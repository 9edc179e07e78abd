"""The two connections to a database: directly, and through a transaction pooler."""

from collections.abc import Iterator

import pytest

from tests.resources.postgres.transaction_pooler import pooler


@pytest.fixture(params=["direct", "pooled"])
def way(request: pytest.FixtureRequest, postgres_dsn: str) -> Iterator[str]:
    """The DSN of an empty database, for each of them."""
    if request.param == "direct":
        yield postgres_dsn
    else:
        with pooler(postgres_dsn) as dsn:
            yield dsn
