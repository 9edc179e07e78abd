"""Every row that all stores of an app hold, as texts, to see that an erasure changed nobody else's. No fixtures.

What belongs here: reading the stores whole, without the code that erases. What does not: whose a row is.
"""

import gzip
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from assets.apps import App
from assets.events.table import events_table
from assets.rows.lake import aside
from clearlift_pipelines.stores import Stores
from resources.d1 import D1
from resources.postgres import Postgres
from resources.r2 import ObjectStore

# What a run says of itself: notes, ledgers of bytes that were written again, and logs that an erasure empties.
OF_RUNS = {"archive", "audit", "backups", "changes", "ingest", "lake", "pipelines", "privacy", "retention"}
# When a value of KV was made, while the values themselves are compared; up to where commits of the lake are followed.
# An erasure follows them before its own, which marks windows as wanted up to a commit of before. How many requests a
# day had, those of the erasure among them.
OF_LOOKS = {("cache", "entries"), ("rollups", "followed"), ("health", "requests")}
LOGS = {"change_log", "change_log_readers", "backup_log", "backup_noted", "erasure_requests", "stale_metrics"}
LINES = ("archive/", "landing/", "quarantine/", "sesh/points/")
OTHER_BYTES = ("user-media/", "reports/", "raw/", "access/")


Archives = tuple[dict[str, bytes], list[dict[str, Any]]]


def rows(stores: Stores, app: App) -> Counter[str]:
    """Each row, line and object, with the place where it lies."""
    return Counter((*in_tables(stores, app), *_objects(stores.object_store)))


def archives(stores: Stores, app: App) -> Archives:
    """The objects of an app's archives, and what the registry says of them."""
    keys = [info.key for info in stores.object_store.list(f"archive/{app.name}")]
    said = stores.postgres.fetch("select to_jsonb(r) as row from archive.revisions r where app = %s", (app.name,))
    return {key: stores.object_store.get(key) for key in keys}, [row["row"] for row in said]


def put_back(stores: Stores, app: App, of_before: Archives) -> None:
    """Let the archives of an app be what they were, as if somebody had put an old copy in their place."""
    objects, said = of_before
    stores.object_store.delete([info.key for info in stores.object_store.list(f"archive/{app.name}")])
    for key, content in objects.items():
        stores.object_store.put(key, content)
    stores.postgres.execute("delete from archive.revisions where app = %s", (app.name,))
    stores.postgres.execute(
        "insert into archive.revisions select r.* from jsonb_populate_recordset(null::archive.revisions, %s) r",
        (json.dumps(said),),
    )


def in_tables(stores: Stores, app: App) -> Iterator[str]:
    """Each row of each database, key of KV and event, also of tables that a restore made beside them."""
    if app.d1_migrations is not None:
        yield from _in_d1(stores.d1(app))
    if app.postgres_migrations is not None:
        yield from in_postgres("app_postgres", stores.app_postgres(app))
    yield from in_postgres("postgres", stores.postgres)
    if app.has_kv:
        names = [key.name for key in stores.kv(app).list()]
        yield from (f"kv {name} {value!r}" for name, value in stores.kv(app).get_many(names).items())
    if app.audience is not None:
        for spec in (events_table(app), aside(events_table(app))):
            if stores.lake.exists(spec):
                for event in stores.lake.table(spec).scan().collect().to_dicts():
                    yield f"lake {spec.name} {_text(event)}"


def _in_d1(d1: D1) -> Iterator[str]:
    for table in d1.query("select name from sqlite_master where type = 'table' and sql not like '%virtual%'"):
        if table["name"] not in LOGS and not table["name"].startswith(("sqlite_", "item_search")):
            for row in d1.query(f'select * from "{table["name"]}"'):
                yield f"d1 {table['name']} {_text(row)}"


def _text(row: Mapping[str, Any]) -> str:
    return json.dumps(row, default=str, sort_keys=True, ensure_ascii=False)


def _objects(store: ObjectStore) -> Iterator[str]:
    for info in store.list():
        if info.key.startswith(LINES):
            content = store.get(info.key)
            text = gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
            if "manifest-" not in info.key:
                folder = info.key.rpartition("/")[0]
                yield from (f"{folder} {line.decode(errors='replace')}" for line in text.splitlines() if line)
        elif info.key.startswith(OTHER_BYTES):
            yield f"{info.key} {info.etag}"


def in_postgres(place: str, postgres: Postgres) -> Iterator[str]:
    """Each row of a database, without those of what a run says of itself."""
    tables = postgres.fetch(
        "select schemaname as schema, tablename as name from pg_tables"
        " where schemaname !~ '^pg_' and schemaname <> 'information_schema'"
    )
    for table in tables:
        if table["schema"] not in OF_RUNS and (table["schema"], table["name"]) not in OF_LOOKS:
            name = f'"{table["schema"]}"."{table["name"]}"'
            found = postgres.fetch(f"select (to_jsonb(t) - 'wanted')::text as row from {name} as t")
            yield from (f"{place} {name} {row['row']}" for row in found)
