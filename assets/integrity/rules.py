"""Rules that the rows of an app's own database must not break: how many rows do, and which."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

import psycopg

from assets.apps import App, IntegrityRule
from assets.apps.lifecycle import Store
from assets.rooms import Rooms
from resources.d1 import D1Error
from resources.http import HttpError
from resources.postgres.client import message_of
from resources.sql_files import read_sql

STORES: dict[str, Store] = {"d1": "d1", "postgres": "app_postgres"}


@dataclass(frozen=True)
class Finding:
    """What a rule found. offending: rows that break it. ids: the first 20 of them, as texts, without personal ones.

    unknown: why nobody knows, empty where the rule was compared with at least one row. vacant: the table has none,
    which is no fault.
    """

    offending: int = 0
    ids: tuple[str, ...] = ()
    unknown: str = ""
    vacant: bool = False

    @property
    def holds(self) -> bool:
        """Whether it is known that no row breaks the rule."""
        return not self.offending and not self.unknown


def look(rooms: Rooms, app: App, rule: IntegrityRule) -> Finding:
    """Compare a rule with the rows that are there now. A database that does not answer is a finding too."""
    try:
        statement = read_sql(rule.statement).rstrip().rstrip(";")
        sql = Template(read_sql("integrity/offending.sql")).substitute(statement=statement, table=rule.table)
        rows = _rows(rooms, app, rule, sql)
    except (D1Error, HttpError, OSError) as error:
        return Finding(unknown=f"It could not be looked at: {error}")
    except psycopg.Error as error:
        return Finding(unknown=f"It could not be looked at: {message_of(error)}")
    if not rows[0]["compared"]:
        return Finding(unknown=f"{rule.table} has no rows: nothing was compared.", vacant=True)
    ids = tuple(row["id"] for row in rows if row["id"] is not None)
    return Finding(int(rows[0]["offending"]), ids if _impersonal(app, rule) else ())


def _rows(rooms: Rooms, app: App, rule: IntegrityRule, sql: str) -> Sequence[dict[str, Any]]:
    return rooms.d1(app).query(sql) if rule.store == "d1" else rooms.app_postgres(app).fetch(sql)


def _impersonal(app: App, rule: IntegrityRule) -> bool:
    """Whether the ids of the table's rows may be shown."""
    return "id" in app.holding(STORES[rule.store], rule.table).impersonal_columns
