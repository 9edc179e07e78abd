"""What `clearlift run` prints at its end: what is stored of each app, what waits, and what to do next."""

from pathlib import Path
from typing import Any

from assets.apps import APPS, App
from assets.events.ledger import IngestLedger
from assets.lake_tables import lake_tables
from assets.rollups import late
from assets.series import registry
from assets.windows import midnight
from clearlift_pipelines.cli import ads
from clearlift_pipelines.cli.refused_lines import KINDS
from clearlift_pipelines.cli.tables import JSON_ONLY, Columns, Table
from clearlift_pipelines.cli.terminal import Terminal
from clearlift_pipelines.project import folder
from clearlift_pipelines.stores import Stores, utc_now
from resources.counts import counted
from resources.d1 import D1
from resources.sql_files import read_sql

STORED = Columns("stored", "run", {"what": "", "said": "", "numbers": JSON_ONLY})
REFUSED = Columns(
    "refused",
    "run",
    {**dict.fromkeys(("app", "kind"), JSON_ONLY), **{name: name for name in ("lines", "reason", "field", "value")}},
)


def stores_in(stores: Stores) -> str:
    """Where the stores are, in words."""
    return str(_short(stores.settings.home)) if stores.settings.embedded else "the configured services"


def print_summary(opened: Terminal) -> None:
    """Print it to the terminal."""
    console, stores = opened.console, opened.stores
    counts = STORED.table()
    for app in APPS:
        if app.audience is not None:
            _count_events(counts, stores, app)
    cached = stores.postgres.fetch(
        "select count(*) as keys, coalesce(sum(bytes), 0)::bigint as bytes from cache.entries"
    )[0]
    _add(counts, "cache", f"{counted(cached['keys'], 'key')}, {_mib(cached['bytes'])}", **cached)
    for app in APPS:
        _count_rows(counts, stores, app)
    counts.show()
    for app in APPS:
        synced = ads.summary(stores, app)
        if synced.rows:
            synced.show(title=f"Ads of {app.title}")
    for app in APPS:
        if app.audience is not None:
            _report_late_events(opened, app)
        _report_refused(stores, app)
    if stores.settings.embedded:
        home = _short(stores.settings.home)
        console.print(
            f"Data: events and lake in {home}/r2, roll-ups in {home}/postgres, cache in {home}/kv, apps in {home}/d1"
        )
    console.print("Next: make ui · clearlift status · clearlift quarantine list · clearlift land FILE…")


def _add(counts: Table, what: str, said: str, **numbers: int) -> None:
    counts.add(what=what, said=said, numbers=numbers)


def _count_events(counts: Table, stores: Stores, app: App) -> None:
    totals = IngestLedger(stores.postgres, app.name).totals()
    files = [file for table in lake_tables(app) for file in stores.lake.table(table.spec).files()]
    batches = counted(totals["batches"], "batch", "batches")
    _add(counts, f"{app.title}: lines received", f"{totals['received']:,}  in {batches}", **totals)
    for count in ("stored", "doubled", "quarantined", "without_consent"):
        _add(counts, f"  {count.replace('_', ' ')}", f"{totals[count]:,}")
    if totals["conflicting"]:
        _add(counts, "  doubled with another payload", f"{totals['conflicting']:,}")
    rows, size = sum(file.rows for file in files), sum(file.bytes for file in files)
    said = f"{counted(rows, 'row')} in {counted(len(files), 'file')}, {_mib(size)}"
    _add(counts, "lake", said, rows=rows, files=len(files), bytes=size)
    for grain in ("hourly", "daily", "weekly", "monthly"):
        row: dict[str, Any] = stores.postgres.fetch(
            f"select count(*) as rows, coalesce(sum(events), 0) as events from rollups.{grain} where app = %(app)s",
            {"app": app.name},
        )[0]
        rows, events = row["rows"], int(row["events"])
        _add(
            counts,
            f"{grain} roll-ups",
            f"{counted(rows, 'row')} of {counted(events, 'event')}",
            rows=rows,
            events=events,
        )


def _count_rows(counts: Table, stores: Stores, app: App) -> None:
    if app.series:
        _count_series(counts, stores.d1(app), app)
    if app.growth is not None:
        (found,) = stores.app_postgres(app).fetch(read_sql(f"{app.growth.statements}/summary.sql"))
        _add(counts, app.title, ", ".join(f"{number:,} {name}" for name, number in found.items()), **found)


def _count_series(counts: Table, d1: D1, app: App) -> None:
    said, numbers = [], {}
    for series in app.series:
        (row,) = d1.query(f"select count(*) as n from {series.name}")
        partitions, numbers[series.name] = len(registry.load(d1, series).answering), int(str(row["n"]))
        said.append(f"{row['n']:,} {series.name} in {counted(partitions, 'partition')}")
    _add(counts, app.title, ", ".join(said), **numbers)


def _report_late_events(opened: Terminal, app: App) -> None:
    stores, earliest = opened.stores, midnight(opened.stores.settings.partitions_start)
    since = late.horizon(earliest, stores.settings.late_horizon, utc_now())
    if too_old := late.beyond(app, stores.postgres, earliest, since):
        opened.console.print(str(too_old), style="yellow")


def _report_refused(stores: Stores, app: App) -> None:
    for kind, made in KINDS.items():
        quarantine = made(stores, app, midnight(stores.settings.partitions_start))
        if quarantine is not None and (rows := quarantine.refusals.summary()):
            reasons = REFUSED.table()
            for row in rows:
                cells = {"app": app.name, "kind": kind, **row}
                reasons.add(**{name: cells[name] for name in REFUSED.heads})
            reasons.show(title=f"Quarantine of {app.title}: {kind}")


def _short(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if here == folder() and path.is_relative_to(here) else path


def _mib(size: int) -> str:
    return f"{size / 2**20:,.1f} MiB" if size >= 2**20 else f"{size / 1024:,.1f} KiB"
