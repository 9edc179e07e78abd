"""Tombstones of people in a test's own Postgres."""

from datetime import UTC, datetime

from assets.privacy.tombstones import add
from resources.keyring import Keyring
from resources.postgres import Postgres
from tests.rooms import KEYS


def bury(postgres: Postgres, app: str, *subjects: tuple[str, str], keyring: Keyring = KEYS) -> None:
    """Say that subjects (kind, id) of an app were erased."""
    with postgres.connection() as connection:
        add(connection, app, subjects, datetime(2026, 1, 1, tzinfo=UTC), lambda: keyring)
