"""`clearlift status` and `clearlift doctor`: how things stand, asset by asset and store by store."""

from datetime import UTC, datetime, timedelta

import click
from dagster import AssetKey
from rich.table import Table

from assets.attribution import late as attribution
from assets.events.ingest import pending
from assets.events.table import EVENTS
from assets.rollups import late
from assets.rollups.definition import Grain
from assets.rollups.periods import Period
from assets.sessions import build as sessions
from assets.windows import DAY, HOUR, midnight
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.stores import utc_now

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
