"""The stores of a test in the shape that engines are handed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from assets.apps import App
from assets.other_engine import OtherEngine
from assets.progress import Progress, silent
from assets.rooms import Clock
from resources.d1 import D1
from resources.keyring import Keyring
from resources.kv import KV
from resources.lake import Lake, StreamTable
from resources.postgres import Postgres
from resources.r2 import ObjectStore

KEYS = Keyring({1: bytes(32)})
"""The keys of the stores of tests."""


@dataclass
class TestRooms:
    """Fulfils `Rooms` with the stores that a test has. `now` is what its clock says; databases are by app."""

    __test__ = False

    now: datetime
    postgres: Postgres
    object_store: ObjectStore
    opened_lake: Lake | None = None
    d1s: Mapping[str, D1] = field(default_factory=dict)
    app_postgreses: Mapping[str, Postgres] = field(default_factory=dict)
    r2_sql: Any = None
    other_engine: OtherEngine | None = None
    streams: Mapping[str, StreamTable] = field(default_factory=dict)
    ad_apps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ad_origin: str = ""
    backup_prefix: str = "backups"
    scratch: Path = Path("/nonexistent")
    copies: Path = Path("/nonexistent")
    kvs: Mapping[str, KV] = field(default_factory=dict)
    keyring: Keyring = field(default_factory=lambda: KEYS)

    @property
    def clock(self) -> Clock:
        return lambda: self.now

    def progress(self, label: str) -> Progress:
        return silent

    @property
    def backup_store(self) -> ObjectStore:
        return self.object_store

    @property
    def lake(self) -> Lake:
        assert self.opened_lake is not None, "the test has no lake"
        return self.opened_lake

    @property
    def postgres_of_login(self) -> Postgres:
        return self.postgres

    @property
    def embedded_postgres(self) -> None:
        return None

    def event_stream(self, app: App) -> StreamTable | None:
        return self.streams.get(app.name)

    def d1(self, app: App) -> D1:
        return self.d1s[app.name]

    def app_postgres(self, app: App) -> Postgres:
        return self.app_postgreses[app.name]

    def kv(self, app: App) -> KV:
        return self.kvs[app.name]
