"""Consignment's rules compared with a D1."""

from datetime import UTC, datetime

from assets.apps.consignment import APP
from assets.integrity.rules import Finding, look
from resources.d1 import D1
from resources.postgres import Postgres
from tests.rooms import TestRooms

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


class Rooms(TestRooms):
    """Stores of which a rule asks one: the D1 or the Postgres of an app."""

    def __init__(self, d1: D1 | None = None, postgres: Postgres | None = None, app: str = APP.name) -> None:
        databases, own = {app: d1} if d1 else {}, {app: postgres} if postgres else {}
        super().__init__(NOW, None, None, d1s=databases, app_postgreses=own)  # type: ignore[arg-type]


def findings(d1: D1) -> dict[str, Finding]:
    """What each rule finds, by its name."""
    return {rule.name: look(Rooms(d1), APP, rule) for rule in APP.rules}
