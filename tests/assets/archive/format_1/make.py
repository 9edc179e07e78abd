"""Makes the archives of this folder: a few rows of every kind of table, archived twice. README.md has the command.

It uses nothing that is not in the release whose archives it makes.
"""

import json
import shutil
import sys
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from assets.apps.sesh_series import SESSIONS
from assets.rows.target import Into
from assets.series.layout import month_partition
from assets.series.registry import change, load, table
from resources.d1 import Param
from resources.postgres import Postgres, embedded
from tests.assets.archive.archive_stores import ArchiveStores
from tests.databases import database
from tests.resources.lake.opened import opened
from tests.tables import EVENTS

# App, table, and the name of the table beside the live one.
TABLES = {
    ("clearlift", "events"): ("events", "events_restored"),
    ("clearlift", "ads.restatements"): ("ads.restatements", "restored.ads_restatements"),
    ("sesh", "sessions"): ("sessions", "sessions_restored"),
    ("sesh", "change_log"): ("change_log", "change_log_restored"),
}
NOW = datetime(2027, 7, 1, 2, tzinfo=UTC)
STARTED = "2026-01-01T00:00:00.000Z"
RESTATED = """
insert into ads.restatements
    (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency, spend_after)
values
    ('clearlift', %s, 'google', '1', %s, '2026-02-03', '2026-02-03 04:05:06.789+00',
     'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'EUR', 12.345678)
"""
CHANGED = "insert into change_log (table_name, row_id, operation, new_keys, changed_at) values ('users', ?, ?, ?, ?)"


def main(target: str) -> None:
    """Write registry.json, rows.json and the objects into a folder."""
    folder = Path(target)
    shutil.rmtree(folder / "archive", ignore_errors=True)
    with tempfile.TemporaryDirectory() as work:
        server = Path(work) / "pg"
        try:
            with database(embedded.start(server)) as dsn, Postgres(dsn) as postgres:
                with opened(postgres, Path(work) / "r2") as lake:
                    stores = ArchiveStores(postgres, lake, Path(work) / "r2", now=NOW)
                    _fill(stores)
                    rows = {f"{app} {name}": held(stores, app, name, "live") for app, name in TABLES}
                registry = postgres.fetch("select * from archive.revisions order by app, table_name, bucket, revision")
                for d1 in stores.d1.values():
                    d1.close()
        finally:
            embedded.stop(server)
        shutil.copytree(Path(work) / "r2" / "archive", folder / "archive")
    (folder / "rows.json").write_text(json.dumps(rows, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    (folder / "registry.json").write_text(json.dumps(registry, indent=1, default=str) + "\n")


def held(stores: ArchiveStores, app: str, name: str, into: Into) -> list[dict[str, Any]]:
    """The rows of a table, or of the one beside it, as JSON has them, in one order."""
    found = TABLES[app, name][into == "side"]
    if name == "events":
        events = stores.lake.table(replace(EVENTS, name=found)).scan().collect()
        rows = events.select(pl.all().cast(pl.String)).to_dicts()
    elif app == "sesh":
        columns = [row["name"] for row in stores.d1[app].query("select name from pragma_table_info(?)", [found])]
        texts = ", ".join(f'typeof("{column}") || \' \' || quote("{column}") as "{column}"' for column in columns)
        rows = stores.d1[app].query(f"select {texts} from {found}")
    else:
        rows = [row["line"] for row in stores.postgres.fetch(f"select to_jsonb(t) as line from {found} t")]
    return sorted(rows, key=lambda row: json.dumps(row, sort_keys=True))


def _fill(stores: ArchiveStores) -> None:
    d1 = stores.d1["sesh"]
    partition = month_partition(SESSIONS, datetime(2026, 2, 1, tzinfo=UTC))
    found = load(d1, SESSIONS)
    change(d1, found, [*found.partitions, partition], table(SESSIONS, partition), STARTED)
    for number in (1, 2):
        stores.happen(2, page_title='Käse – "gut"\n', event_value=0.1 * number)
        stores.happen(1, "b/8e.9 d1", day=31, event_value=float("nan"))
        for org in ("org one", "org/two"):
            stores.postgres.execute(RESTATED, (org, str(number)))
        d1.upsert("users", ["id", "email"], [[f"user-{number}", f"user-{number}@example.org"]], ["id"])
        session: list[Param] = [f"s-{number}", "user-1", f"2026-02-0{number}T04:05:06.007Z", 0.5 * number, "ü\n"]
        d1.upsert(partition.name, ["id", "userId", "timestamp", "amount", "notes"], [session], ["id"])
        d1.execute(CHANGED, [f"row-{number}", "insert", '{"id":"ü"}', "2026-03-01T00:00:00.000Z"])
        # What triggers wrote has the present time.
        d1.execute("delete from change_log where changed_at >= '2026-04'")
        for app, name in TABLES:
            stores.archive(app, name)


if __name__ == "__main__":
    main(sys.argv[1])
