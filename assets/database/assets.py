"""The upkeep of an app's own Postgres database as assets: one a subject, each with what it found.

The rules are in findings.py.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from string import Template
from typing import Any

import psycopg
from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)

from assets.apps import App
from assets.database import findings
from assets.database.findings import Finding
from assets.description import app_asset, table
from assets.rooms import Rooms
from resources.counts import counted
from resources.postgres import Postgres
from resources.sql_files import read_sql

LISTED = 200
SLOW_MS, CALLS, QUERIES = 100, 10, 20
STUCK_SECONDS = 300
NO_STATISTICS = Finding(
    "not known",
    "pg_stat_statements",
    "the server keeps no statistics of statements",
    "create extension pg_stat_statements",
)


@dataclass(frozen=True)
class _Seen:
    """What was looked at, and what is to be done about it."""

    counts: Mapping[str, Any]
    found: list[Finding]
    sizes: list[dict[str, Any]]


Look = Callable[[Postgres, datetime], _Seen]


def build(app: App) -> list[AssetsDefinition]:
    """The upkeep of an app that has a Postgres database of its own."""
    return [
        _asset(app, "indexes", "Indexes: invalid, duplicate, unused and missing ones.", _indexes),
        _asset(app, "tables", "Tables: sizes, bloat, and where a VACUUM or ANALYZE is due.", _tables),
        _asset(app, "queries", f"Statements that take {SLOW_MS} ms and more on average.", _queries),
        _asset(app, "connections", "Connections: how many are in use, and which hold a transaction.", _connections),
    ]


def _asset(app: App, name: str, description: str, look: Look) -> AssetsDefinition:
    @app_asset(
        app,
        "database",
        name,
        store="postgres",
        holds=[],
        kinds={"postgres"},
        description=f"{description} Each finding has the SQL to run; nothing is run here.",
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26)),
        checks={"nothing_to_do": "Nothing was found that somebody should do."},
    )
    def looked_at(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        seen = look(rooms.app_postgres(app), rooms.clock())
        sizes = {"sizes": table(seen.sizes)} if seen.sizes else {}
        yield MaterializeResult(
            metadata={
                **seen.counts,
                "found": len(seen.found),
                "findings": table([asdict(finding) for finding in seen.found[:LISTED]]),
                **sizes,
            },
            check_results=[
                AssetCheckResult(
                    check_name="nothing_to_do",
                    passed=not seen.found,
                    severity=AssetCheckSeverity.WARN,
                    description=_first(seen.found),
                    metadata={"found": len(seen.found)},
                )
            ],
        )

    return looked_at


def _first(found: list[Finding]) -> str | None:
    return f"{counted(len(found), 'finding')}, the first: {found[0].kind} of {found[0].what}." if found else None


def _indexes(postgres: Postgres, now: datetime) -> _Seen:
    rows = postgres.fetch(read_sql("database/indexes.sql"))
    found = findings.of_indexes(rows, postgres.fetch(read_sql("database/foreign_keys.sql")), now)
    return _Seen({"indexes": len(rows), "bytes": sum(row["bytes"] for row in rows)}, found, [])


def _tables(postgres: Postgres, _now: datetime) -> _Seen:
    rows = postgres.fetch(read_sql("database/tables.sql"))
    sizes = [
        {
            "table": f"{row['schema']}.{row['table_name']}",
            "mib": round(row["bytes"] / findings.MIB, 1),
            "indexes_mib": round(row["index_bytes"] / findings.MIB, 1),
            "rows": row["live"],
            "dead": row["dead"],
            "bloat": "not known" if row["bloat"] is None else f"{max(0.0, row['bloat']):.0%}",
        }
        for row in rows
    ]
    return _Seen({"tables": len(rows), "bytes": sum(row["bytes"] for row in rows)}, findings.of_tables(rows), sizes)


def _queries(postgres: Postgres, _now: datetime) -> _Seen:
    rows = slow_queries(postgres)
    if rows is None:
        return _Seen({"statements": 0}, [NO_STATISTICS], [])
    return _Seen({"statements": len(rows)}, findings.of_queries(rows), [])


def slow_queries(postgres: Postgres) -> list[dict[str, Any]] | None:
    """The slow statements; None where the server keeps no statistics of them, or they may not be read."""
    views = postgres.fetch(read_sql("database/statistics_view.sql"))
    if not views:
        return None
    view = f"{findings.quoted(views[0]['schema'])}.pg_stat_statements"
    statement = Template(read_sql("database/slow_queries.sql")).safe_substitute(view=view)
    try:
        return postgres.fetch(statement, {"mean": SLOW_MS, "calls": CALLS, "rows": QUERIES})
    except psycopg.errors.ObjectNotInPrerequisiteState:
        return None  # the extension is there, and the server was not started with its library


def _connections(postgres: Postgres, _now: datetime) -> _Seen:
    (row,) = postgres.fetch(read_sql("database/connections.sql"), {"seconds": STUCK_SECONDS})
    return _Seen(row, findings.of_connections(row), [])
