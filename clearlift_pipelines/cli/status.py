"""`clearlift status` and `clearlift doctor`: how things stand, asset by asset and store by store."""

import sys
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import click
from dagster import AssetKey
from rich.console import Console
from rich.table import Table

from assets.apps import APPS
from assets.attribution import late as attribution
from assets.events.ingest import pending
from assets.events.table import EVENTS
from assets.rollups import late
from assets.rollups.definition import Grain
from assets.rollups.periods import Period
from assets.sessions import build as sessions
from assets.windows import DAY, HOUR, midnight
from clearlift_pipelines import settings
from clearlift_pipelines.cli.entry import one_line
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.definitions import utc_now
from clearlift_pipelines.stores import Stores
from resources import migrations
from resources.kv import KV, Entry
from resources.migrations import State

POSTGRES = "postgres"


@click.command()
def status() -> None:
    """Each asset: last success, lag, what is missing."""
    with workbench() as bench:
        bench.progress.stop()
        now = utc_now()
        missing = _missing(bench, now)
        table = Table("asset", "last success (UTC)", "lag", "missing", box=None)
        graph = bench.definitions.resolve_asset_graph()
        for key in sorted(graph.materializable_asset_keys, key=lambda k: k.to_user_string()):
            event = bench.instance.get_latest_materialization_event(key)
            at = datetime.fromtimestamp(event.timestamp, UTC) if event else None
            table.add_row(
                key.to_user_string(),
                f"{at:%Y-%m-%d %H:%M:%S}" if at else "never",
                _lag(now - at) if at else "",
                missing.get(key, ""),
            )
        bench.console.print(table)


def _missing(bench: Workbench, now: datetime) -> dict[AssetKey, str]:
    stores = bench.stores
    earliest = midnight(stores.settings.partitions_start)
    since = late.horizon(earliest, stores.settings.late_horizon, now)
    found = late.stale(stores.postgres, since, now, earliest)
    too_old = str(late.beyond(stores.postgres, earliest, since))
    unfollowed = late.unfollowed(stores.lake.table(EVENTS), stores.postgres) if stores.lake.exists(EVENTS) else 0
    behind = f"{unfollowed} commits not followed by the roll-ups: clearlift run" if unfollowed else ""
    batches = len(pending(stores.object_store, stores.postgres))
    said = {AssetKey(["clearlift", "events", "ingested"]): f"{batches} landed batches" if batches else ""}
    changed: dict[Grain | Period, list[datetime]] = {
        Grain.HOURLY: [start for w in found.hours for start in w.steps(HOUR)],
        Grain.DAILY: [start for w in found.days for start in w.steps(DAY)],
        Period.WEEKLY: [each.start for w in found.weeks for each in Period.WEEKLY.covering(w)],
        Period.MONTHLY: [each.start for w in found.months for each in Period.MONTHLY.covering(w)],
    }
    for asset, windows in (
        (["sessions", "daily"], sessions.stale(stores.postgres, since, now)),
        # From the beginning: what was rolled up by hand, because it was too old, is to be attributed by hand too.
        (["attribution", "touches"], attribution.stale(stores.postgres, earliest, now)),
    ):
        days = [start for w in windows for start in w.steps(DAY)]
        if days:
            said[AssetKey(["clearlift", *asset])] = f"{len(days)} changed days from {days[0]:%Y-%m-%d}"
    for grain, starts in changed.items():
        stale = (
            f"{len(starts)} changed {grain.column}s from {starts[0]:%Y-%m-%d %H:%M}: clearlift run" if starts else ""
        )
        # Weeks and months are made of days, and follow no commit themselves.
        told = (stale, behind, too_old) if isinstance(grain, Grain) else (stale,)
        said[AssetKey(["clearlift", "rollups", grain.value])] = "; ".join(filter(None, told))
    return said


def _lag(lag: timedelta) -> str:
    minutes = int(lag.total_seconds() // 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


@click.command()
def doctor() -> None:
    """Each store: reachable, migrated, writable; one line each, exit code 1 when one is not."""
    stores = Stores(settings.load())
    console = Console()
    well = answers = True
    try:
        for name, check in _checks(stores):
            if not answers and name in _in_postgres(stores):
                continue  # its line would be that of Postgres, after the same wait
            try:
                told, good = check(), True
            except Exception as error:  # noqa: BLE001 (whatever is wrong with a store is what is asked for)
                told, good = one_line(error), False
            console.print(
                f"[{'green' if good else 'red'}]{'ok' if good else 'bad':<4}[/] {name:<16} {told}", soft_wrap=True
            )
            well = well and good
            answers = answers and (good or name != POSTGRES)
    finally:
        stores.close()
    sys.exit(0 if well else 1)


def _in_postgres(stores: Stores) -> set[str]:
    """The checks that ask Postgres too."""
    return {"postgres schema"} | (set() if stores.settings.lake_catalog_uri else {"lake"})


def _checks(stores: Stores) -> list[tuple[str, Callable[[], str]]]:
    def postgres() -> str:
        with stores.postgres.connection() as connection:
            connection.execute("create temporary table writable (x int) on commit drop")
        return f"{stores.postgres.address}: reachable, writable"

    def objects() -> str:
        key = f"doctor/{uuid.uuid4()}"
        stores.object_store.put(key, b"ok")
        stores.object_store.delete(key)
        return f"{stores.object_store.uri()}: reachable, writable"

    def lake() -> str:
        if not stores.lake.exists(EVENTS):
            raise click.ClickException(f"{'.'.join(EVENTS.identifier)} is missing: clearlift migrate up makes it")
        return f"{'.'.join(EVENTS.identifier)}: {stores.lake.table(EVENTS).load().metadata.location}"

    def migrated(ledger: migrations.AppliedMigrations, folder: str) -> Callable[[], str]:
        def check() -> str:
            standing = migrations.status(ledger, folder)
            drifted = [f"{s} {s.drift}" for s in standing if s.drift]
            if drifted:
                raise click.ClickException(f"sql/{folder}: {'; '.join(drifted)}")
            pending = [f"{s} pending" for s in standing if s.state is State.PENDING]
            if pending:
                raise click.ClickException(f"{', '.join(pending)}: clearlift migrate up")
            return f"{len(standing)} migrations applied"

        return check

    checks: list[tuple[str, Callable[[], str]]] = [(POSTGRES, postgres), ("object store", objects), ("lake", lake)]
    checks += [(f"{name} schema", migrated(ledger, folder)) for name, ledger, folder in stores.ledgers()]
    return checks + [(f"{app.name}-kv", _writable(stores.kv(app))) for app in APPS]


def _writable(kv: KV) -> Callable[[], str]:
    def check() -> str:
        key = f"doctor:{uuid.uuid4()}"
        kv.put_many([Entry(key, b"ok", ttl=60)])
        kv.delete_many([key])
        return "reachable, writable"

    return check
