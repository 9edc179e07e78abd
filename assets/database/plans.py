"""Plans of statements that are asked often: a table read whole where an index is expected, with the SQL that ends it.

What belongs here: asking for a plan, which runs nothing, and what is wrong of it. What does not: which statements these
are, and their indexes (the apps' data).
"""

import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from assets.apps import App
from assets.apps.hot_query import HotQuery
from assets.finding import Finding, HealthCheck
from resources.counts import counted
from resources.d1 import D1, D1Error
from resources.d1.placeholders import scan
from resources.postgres import Postgres
from resources.sql_files import list_sql, read_sql

if TYPE_CHECKING:
    from assets.capability import Site

DAILY = timedelta(days=1)
# Below this, reading the whole of a table is as fast as an index.
LARGE = 10_000
IS_INDEX = "select name from sqlite_schema where type = 'index' and name = ?"
HAS_STATISTICS = "select name from sqlite_schema where name = 'sqlite_stat1'"
# A line of statistics begins with the number of the table's rows.
LARGEST = "select coalesce(max(cast(stat as integer)), 0) as rows from sqlite_stat1"
# What else a plan scans. Workers' SQLite names the rows of a VALUES, which the embedded one does not.
NO_TABLE = ("VIRTUAL TABLE INDEX", "CONSTANT ROW", "VALUES CLAUSE")


@dataclass(frozen=True)
class Fault:
    """What is wrong of a plan. index: the expected one, which is gone. table: the one that it reads whole. is_broken:
    there is no plan, because the schema is not what the statement needs.
    """

    said: str
    index: str = ""
    table: str = ""
    is_broken: bool = False


def checks(app: App, site: "Site") -> tuple[HealthCheck, ...]:
    """A look a day at the plans of an app's statements, for each of its databases."""
    found = []
    for store, migrations in (("d1", app.d1_migrations), ("postgres", app.postgres_migrations)):
        queries = [query for query in app.hot_queries if query.store == store]
        if queries and migrations is not None:
            look = partial(_look, app, site, migrations, queries)
            needs = ("postgres schema", f"{app.name}-{store} schema")
            found.append(HealthCheck(app.name, f"{store}_plan", look, needs, every=DAILY))
    return tuple(found)


def _look(app: App, site: "Site", migrations: str, queries: Sequence[HotQuery], _now: datetime) -> Iterator[Finding]:
    for query in queries:
        rooms = site.rooms
        is_d1 = query.store == "d1"
        faults = of_d1(rooms.d1(app), query) if is_d1 else list(of_postgres(rooms.app_postgres(app), query))
        if faults:
            said = f"its plan is slow: {'; '.join(fault.said for fault in faults)}"
            yield Finding(query.name, said, _command(faults, migrations))


def of_d1(d1: D1, query: HotQuery) -> list[Fault]:
    """What is wrong of a statement's plan in D1. Statistics of small tables let SQLite spare an index that is there."""
    try:
        faults = list(_of_steps(d1, query))
    except D1Error as error:
        # Such as an upsert whose unique index is gone.
        return [Fault(f"it cannot be planned: {error.message}", is_broken=True)]
    if all(fault.index for fault in faults) or not d1.query(HAS_STATISTICS):
        return faults
    is_small = d1.query(LARGEST)[0]["rows"] < LARGE
    return [fault for fault in faults if fault.index or not is_small]


def _of_steps(d1: D1, query: HotQuery) -> Iterator[Fault]:
    text = read_sql(query.statement)
    parameters = max((number for _, _, number in scan(text).places), default=0)
    # A text of its own each time, because SQLite explains a prepared statement by the schema of when it was prepared.
    explain = f"explain query plan -- {uuid.uuid4()}\n{text}"
    steps = [str(row["detail"]) for row in d1.query(explain, [None] * parameters)]
    for expected in query.reads:
        if not any(f" {expected}" in step for step in steps):
            index = re.search(r"INDEX (\w+)", expected)
            is_gone = index is not None and not d1.query(IS_INDEX, [index[1]])
            yield Fault(f"it does not read {expected}", index[1] if index and is_gone else "")
    for step in steps:
        if step.startswith("SCAN") and not query.whole and not any(word in step for word in NO_TABLE):
            yield Fault(f"it reads {step.split()[1]} whole", table=step.split()[1])
        if "TEMP B-TREE" in step and not query.sorts:
            yield Fault("it sorts in memory")


def of_postgres(postgres: Postgres, query: HotQuery) -> Iterator[Fault]:
    """What is wrong of a statement's plan in Postgres. A small table may be read whole, with any indexes."""
    valid = {
        row["name"] for row in postgres.fetch(read_sql("database/valid_indexes.sql"), {"names": list(query.reads)})
    }
    for index in query.reads:
        if index not in valid:
            yield Fault(f"index {index} is missing or invalid", index)
    (row,) = postgres.fetch(f"explain (format json, verbose) {read_sql(query.statement)}", query.parameters)
    plan = list(nodes(row["QUERY PLAN"][0]["Plan"]))
    whole = sorted({f"{node['Schema']}.{node['Relation Name']}" for node in plan if node["Node Type"] == "Seq Scan"})
    if valid & {node.get("Index Name") for node in plan}:
        return
    for large in postgres.fetch(read_sql("database/large_tables.sql"), {"names": whole, "rows": LARGE}):
        yield Fault(f"it reads {large['name']} whole, {counted(large['rows'], 'row')}", table=large["name"])


def nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Every node of a plan of Postgres."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def _command(faults: Sequence[Fault], folder: str) -> str:
    """The SQL that ends it: the index as its migration makes it; where that is there, statistics for the planner."""
    for fault in faults:
        if fault.index and (made := _made(fault.index, folder)):
            return made
    if any(fault.is_broken for fault in faults):
        return "clearlift migrate status"
    return next((f"analyze {fault.table}" for fault in faults if fault.table), "analyze")


def _made(index: str, folder: str) -> str:
    """The statement of the newest migration that makes an index; empty where a constraint makes it."""
    made = re.compile(rf"^create (?:unique )?index (?:if not exists )?{index}\b[^;]*", re.MULTILINE | re.IGNORECASE)
    texts = (read_sql(f"{folder}/{name}") for name in reversed(list_sql(folder)) if name.endswith(".up.sql"))
    return next((" ".join(found[0].split()) for text in texts if (found := made.search(text))), "")
