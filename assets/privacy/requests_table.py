"""The tables into which an application puts requests of people: to be erased, and for an export.

They lie in the app's D1, or in its own Postgres, where its migrations make them. What belongs here: making them in D1,
reading and writing them. What does not: taking requests over (erasure, export).
"""

from dataclasses import dataclass
from typing import Any, Literal

from assets.apps import App
from assets.rooms import Rooms
from resources.d1 import D1, Param, Statement
from resources.migrations.d1 import split
from resources.postgres import Postgres
from resources.sql_files import read_sql

Room = Literal["erasure", "export"]
TABLES: dict[str, Room] = {"erasure_requests": "erasure", "export_requests": "export"}
SCHEMA = "pipelines"


@dataclass(frozen=True)
class RequestsTable:
    """The table of one room."""

    store: D1 | Postgres
    room: Room

    def read(self, statement: str, **given: Param) -> list[dict[str, Any]]:
        """Rows of a statement of the room, whose parameters are in its order."""
        if isinstance(self.store, Postgres):
            return self.store.fetch(read_sql(f"{self.room}/postgres/{statement}.sql"), given)
        return self.store.query(read_sql(f"{self.room}/d1/{statement}.sql"), list(given.values()))

    def report(self, **given: Param) -> None:
        """Write down what became of a request; see the statement `report` of the room."""
        if isinstance(self.store, Postgres):
            self.store.execute(read_sql(f"{self.room}/postgres/report.sql"), given)
        else:
            self.store.execute(read_sql(f"{self.room}/d1/report.sql"), list(given.values()), idempotent=True)


def has_requests(app: App) -> bool:
    """Whether an application can put requests anywhere."""
    named = {(entry.store, entry.name) for entry in app.personal}
    return app.d1_migrations is not None or ("app_postgres", f"{SCHEMA}.erasure_requests") in named


def requests_of(rooms: Rooms, app: App, room: Room) -> RequestsTable:
    """The table of an application that has one."""
    return RequestsTable(rooms.d1(app) if app.d1_migrations is not None else rooms.app_postgres(app), room)


def install(d1: D1) -> list[str]:
    """Make the tables where they are missing; the names of those that were, or that lacked a column."""
    made = [name for name, room in TABLES.items() if _is_made(d1, name, room)]
    if not d1.query("select 1 as one from pragma_table_info('erasure_requests') where name = 'organisation'"):
        d1.batch([Statement(read_sql("erasure/d1/add_organisation.sql"))])
        made.append("erasure_requests")
    return made


def _is_made(d1: D1, name: str, room: Room) -> bool:
    if d1.query("select 1 as one from sqlite_master where type = 'table' and name = ?", [name]):
        return False
    d1.batch([Statement(text) for text in split(read_sql(f"{room}/d1/requests.sql"))], idempotent=True)
    return True
