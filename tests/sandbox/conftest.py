"""A sandbox that runs at a fixed moment. Every test has its own one, because a test moves its clock."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from sandbox.limits import Limits
from sandbox.server import Sandbox

SANDBOX_NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


@pytest.fixture
def ad_sandbox() -> Iterator[Sandbox]:
    with Sandbox(7, lambda: SANDBOX_NOW, limits=Limits(google_page_rows=40)) as sandbox:
        yield sandbox
