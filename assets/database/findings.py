"""What is to be done in a Postgres database, by what its own catalogs and statistics say. Pure.

What belongs here: the rules and their limits. What does not: reading (sql/database).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from resources.counts import counted

Row = Mapping[str, Any]
MIB = 2**20
# An index that nobody used, by statistics of so many days; and since when, where the server knows (PostgreSQL 16).
KNOWN_FOR, UNUSED_FOR = timedelta(days=7), timedelta(days=30)
SMALLEST_INDEX = MIB
# Scans of a whole table that an index could spare: so many of so many rows each.
SCANS, ROWS_A_SCAN = 100, 10_000
BLOAT, SMALLEST_BLOATED = 0.5, 10 * MIB
FREEZE_SHARE = 0.8
# Dead and changed rows at this multiple of the server's own limits, and so many at least: autovacuum does not keep up.
BEHIND, FEWEST = 2.0, 1_000
CONNECTIONS = 0.8


@dataclass(frozen=True)
class Finding:
    """One thing to do: its kind, what it is about, what is wrong, and the SQL to run."""

    kind: str
    what: str
    why: str
    sql: str


def of_indexes(indexes: Iterable[Row], foreign_keys: Iterable[Row], now: datetime) -> list[Finding]:
    """Invalid, duplicate, unused and missing indexes."""
    rows = list(indexes)
    doubles = list(_duplicates([row for row in rows if row["is_valid"]]))
    dropped = {finding.what for finding in doubles}
    found = [_invalid(row) for row in rows if not row["is_valid"]]
    unused = [_unused(row) for row in rows if _is_unused(row, now) and _name(row, "index_name") not in dropped]
    return [*found, *doubles, *unused, *(_missing(row) for row in foreign_keys)]


def of_tables(tables: Iterable[Row]) -> list[Finding]:
    """Tables to vacuum, analyze or write again, and those that are often read as a whole."""
    return [finding for row in tables for finding in _of_table(row)]


def of_queries(queries: Iterable[Row]) -> list[Finding]:
    """Statements that are slow on average."""
    return [
        Finding(
            "slow query",
            row["query_id"],
            f"{row['mean_ms']:,.0f} ms on average in {counted(row['calls'], 'call')}: {row['query']}",
            "explain (analyze, buffers) of the statement with values of your own",
        )
        for row in queries
    ]


def of_connections(row: Row) -> list[Finding]:
    """Connections that run out, and those that hold a transaction and do nothing."""
    found = []
    if row["used"] > CONNECTIONS * row["admitted"]:
        sql = "select usename, application_name, state, count(*) from pg_stat_activity group by 1, 2, 3 order by 4 desc"
        found.append(Finding("connections", "server", f"{row['used']} of {row['admitted']} are in use", sql))
    if row["stuck"]:
        sql = "select pid, usename, application_name, state_change from pg_stat_activity where state like 'idle in t%'"
        found.append(
            Finding(
                "idle in transaction",
                "database",
                f"{counted(row['stuck'], 'connection keeps', 'connections keep')} one open",
                sql,
            )
        )
    return found


def _name(row: Row, name: str) -> str:
    return f"{quoted(row['schema'])}.{quoted(row[name])}"


def quoted(name: str) -> str:
    """A name as SQL has it."""
    plain = name.isascii() and name.replace("_", "a").isalnum() and name == name.lower() and not name[0].isdigit()
    return name if plain else '"' + name.replace('"', '""') + '"'


def _invalid(row: Row) -> Finding:
    name = _name(row, "index_name")
    return Finding("invalid index", name, "its making was broken off", f"reindex index concurrently {name}")


def _duplicates(rows: list[Row]) -> Iterator[Finding]:
    # What a constraint needs stays, and what keeps rows unique; of the others the one that was used most.
    order = sorted(
        rows,
        key=lambda row: (
            row["signature"],
            not row["is_constraint"],
            not row["is_unique"],
            -row["scans"],
            row["index_name"],
        ),
    )
    for _, group in groupby(order, key=lambda row: row["signature"]):
        first, *others = group
        for row in others:
            if not row["is_constraint"]:
                name = _name(row, "index_name")
                why = f"the same as {_name(first, 'index_name')}, {row['bytes'] / MIB:,.1f} MiB"
                yield Finding("duplicate index", name, why, f"drop index concurrently {name}")


def _is_unused(row: Row, now: datetime) -> bool:
    if not row["is_valid"] or row["is_unique"] or row["is_constraint"] or row["bytes"] < SMALLEST_INDEX:
        return False
    if row["last_scan"] is not None:
        return bool(row["last_scan"] < now - UNUSED_FOR)
    return not row["scans"] and bool(row["counted_since"] < now - KNOWN_FOR)


def _unused(row: Row) -> Finding:
    name = _name(row, "index_name")
    since = row["last_scan"] or row["counted_since"]
    why = f"{row['bytes'] / MIB:,.1f} MiB, not used since {since:%Y-%m-%d}"
    return Finding("unused index", name, why, f"drop index concurrently {name}")


def _missing(row: Row) -> Finding:
    table, columns = _name(row, "table_name"), ", ".join(map(quoted, row["columns"]))
    key = quoted(row["constraint_name"])
    why = f"no index begins with the columns of foreign key {key}; {counted(row['rows'], 'row')}"
    return Finding("missing index", f"{table} ({columns})", why, f"create index concurrently on {table} ({columns})")


def _of_table(row: Row) -> Iterator[Finding]:
    name = _name(row, "table_name")
    if row["xid_age"] > FREEZE_SHARE * row["freeze_age"]:
        why = f"its oldest transaction is {row['xid_age']:,} back, and {row['freeze_age']:,} force a vacuum"
        yield Finding("vacuum", name, why, f"vacuum (freeze) {name}")
    elif row["dead"] > max(FEWEST, BEHIND * row["vacuum_at"]):
        why = (
            f"{counted(row['dead'], 'dead row')} beside {row['live']:,} live ones, vacuumed {_when(row['vacuumed_at'])}"
        )
        yield Finding("vacuum", name, why, f"vacuum (analyze) {name}")
    if row["changed"] > max(FEWEST, BEHIND * row["analyze_at"]):
        why = f"{counted(row['changed'], 'row')} changed since it was analyzed ({_when(row['analyzed_at'])})"
        yield Finding("analyze", name, why, f"analyze {name}")
    if row["bloat"] is not None and row["bloat"] > BLOAT and row["table_bytes"] > SMALLEST_BLOATED:
        why = f"about {row['bloat']:.0%} of {row['table_bytes'] / MIB:,.0f} MiB are empty"
        yield Finding("bloat", name, why, f"vacuum (full) {name} -- it locks the table: at a quiet hour")
    if row["seq_scans"] >= SCANS and row["seq_rows"] >= ROWS_A_SCAN * row["seq_scans"]:
        rows = counted(row["seq_rows"] // row["seq_scans"], "row")
        why = f"read as a whole {counted(row['seq_scans'], 'time')}, {rows} each"
        sql = f"select calls, query from pg_stat_statements where query ilike '%{row['table_name']}%' order by 1 desc"
        yield Finding("missing index", name, why, sql)


def _when(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M}" if at is not None else "never"
