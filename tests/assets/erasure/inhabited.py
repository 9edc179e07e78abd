"""Stores of all apps with people in them, and short ways to erase one and to look what is left. No fixtures."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from assets.apps import APPS, App
from assets.backups import d1_log
from assets.changes.d1 import install
from assets.erasure.identify import Asked, identify
from assets.erasure.request import Request
from assets.erasure.run import Erasure, Outcome, Search
from assets.privacy import requests_table
from assets.privacy.identity import Eraser, Identity
from assets.rooms import Rooms
from assets.series import ahead
from resources import migrations
from resources.d1 import D1, EmbeddedD1
from resources.kv import EmbeddedKV
from resources.lake import Lake
from resources.postgres import Postgres
from tests.assets.archive.archive_stores import ArchiveStores
from tests.rooms import TestRooms

BY_NAME = {app.name: app for app in APPS}
CLEARLIFT, SESH, GROWTH, CONSIGNMENT = (BY_NAME[name] for name in ("clearlift", "sesh", "growth", "consignment"))
NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)
WINDOW = timedelta(days=3)
ANNA, BERT = "anna-lena-17", "bert-18"
MOMENT = "2026-06-20T21:00:00.000Z"


def migrated(folder: Path) -> dict[str, EmbeddedD1]:
    """The D1 of each app in a folder, with partitions and the log of the backups."""
    found = {app.name: EmbeddedD1(folder / f"{app.name}.sqlite") for app in APPS if app.d1_migrations is not None}
    for app in APPS:
        if app.d1_migrations is None:
            continue
        d1 = found[app.name]
        migrations.up(migrations.D1AppliedMigrations(d1, f"{app.name}-d1"), app.d1_migrations)
        install(d1, app)
        requests_table.install(d1)
        for family in app.series:
            ahead.make(d1, family, lambda: NOW)
        d1_log.install(d1, NOW)
    return found


def seen_by_nobody(_rooms: Rooms, _app: App, _identities: Sequence[Identity]) -> list[Any]:
    """A search for tests of the steps; the search itself has tests of its own."""
    return []


@dataclass
class Inhabited:
    """The stores of all apps."""

    postgres: Postgres
    growth: Postgres
    lake: Lake
    folder: Path
    now: datetime = NOW

    def __post_init__(self) -> None:
        self.stores = ArchiveStores(self.postgres, self.lake, self.folder / "r2", self.now)
        self.d1 = self.stores.d1
        self.kv = {app.name: EmbeddedKV(self.folder / f"{app.name}-kv.sqlite") for app in APPS}

    @property
    def rooms(self) -> TestRooms:
        """The stores at this moment of the test's clock."""
        return TestRooms(
            self.now,
            self.postgres,
            self.stores.store,
            self.lake,
            self.d1,
            app_postgreses={"growth": self.growth},
            kvs=self.kv,
        )

    def erasure(self, app: App, search: Search = seen_by_nobody, further: Sequence[Eraser] = ()) -> Erasure:
        return Erasure(self.rooms, app, search, (7, 5, 12), further)

    def found(self, app: App, subject: str, **asked: Any) -> Identity:
        return identify(self.rooms, app, Asked(subject, **asked), "r").identity

    def asked(self, app: App, subject: str, **asked: Any) -> Request:
        """A request that was identified and confirmed, and waits."""
        erasure = self.erasure(app)
        given = Asked(subject, **asked)
        request = erasure.requests.receive(given, "command", self.now)
        identity = identify(self.rooms, app, given, request.id).identity
        request = erasure.requests.identified(request, identity, erasure.plan(), self.now)
        return erasure.requests.confirmed(request, self.now + WINDOW, self.now)

    def erased(self, app: App, subject: str, search: Search = seen_by_nobody, **asked: Any) -> Outcome:
        """Ask, and carry it out at once."""
        request = self.asked(app, subject, **asked)
        return self.erasure(app, search).run(at_once=[request.id])

    def close(self) -> None:
        for d1 in self.d1.values():
            d1.close()
        for kv in self.kv.values():
            kv.close()


def put(d1: D1, table: str, **values: Any) -> None:
    """Insert a row."""
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    d1.execute(f"insert into {table} ({columns}) values ({marks})", list(values.values()))


def sesh_user(d1: D1, name: str) -> None:
    """A user of Sesh with a row in every table that may have one."""
    put(d1, "users", id=name, email=f"{name}@Sesh.example", profile=json.dumps({"note": name}))
    put(d1, "user_preferences", userId=name, preferences='{"theme": "dark"}')
    put(d1, "inventory", id=f"i {name}", userId=name, quantity=1, unit="g")
    put(d1, "medical_symptoms", id=f"m {name}", userId=name, symptom="insomnia", timestamp=MOMENT)
    put(d1, "journal_entries", id=f"j {name}", userId=name, content=f"{name} slept well", timestamp=MOMENT)
    put(d1, "sessions_2026_07", id=f"s {name}", userId=name, timestamp="2026-07-01T00:00:00.000Z")
    put(d1, "points_2026_07", sessionId=f"s {name}", seq=1, userId=name, at="2026-07-01T00:00:00.000Z", measures="{}")
    put(
        d1, "metrics_daily", windowStart="2026-07-01T00:00:00.000Z", userId=name, metric="sessions", entries=1,
        total=1, least=1, most=1,
    )  # fmt: skip
    d1.execute("update inventory set quantity = 2 where userId = ?", [name])


def everything(d1: D1, without: Sequence[str] = ()) -> dict[str, list[str]]:
    """Every row of every table as JSON, by table."""
    names = d1.query("select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name")
    return {
        row["name"]: sorted(
            json.dumps(r, sort_keys=True, default=str) for r in d1.query(f"select * from {row['name']}")
        )
        for row in names
        if row["name"] not in without and not row["name"].startswith("item_search")
    }


def naming(d1: D1, *texts: str) -> Iterator[str]:
    """The tables in which a text still is."""
    for table, rows in everything(d1).items():
        if any(text in row for row in rows for text in texts):
            yield table
