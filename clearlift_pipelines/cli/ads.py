"""Ads on the command line: `clearlift sandbox`, syncs here and now, and what a summary tells of them."""

import signal
import threading
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from types import FrameType

import click
from dagster import ExecuteInProcessResult
from rich.table import Table

from assets.ads.assets import CONNECTIONS_OK, TABLES
from assets.ads.plan import Mode
from assets.apps import APPS
from assets.windows import daily_key
from clearlift_pipelines import settings
from clearlift_pipelines.cli.execution import Workbench
from clearlift_pipelines.cli.ports import refuse_busy
from clearlift_pipelines.stores import Stores, utc_now
from resources.ad_platforms import PLATFORMS
from resources.sql_files import read_sql
from sandbox import sample_stores

PORT = 8990
SUMMARY = {
    "platform": "platform",
    "accounts": "accounts",
    "campaigns": "campaigns",
    "ad_groups": "groups",
    "keywords": "keywords",
    "facts": "facts",
    "restated": "restated",
    "currencies": "currencies",
}


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=PORT,
    show_default=True,
    help="Port on 127.0.0.1; 0 takes a free one.",
)
def sandbox(port: int) -> None:
    """Serve the four ad platforms' APIs on loopback, from the sample's world, until Ctrl-C."""
    refuse_busy(port)
    stores = Stores(settings.load())
    ended = threading.Event()

    def end(_signal: int, _frame: FrameType | None) -> None:
        ended.set()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    try:
        with sample_stores.sandbox(stores.object_store, utc_now, port) as platforms:
            click.echo(f"{platforms.origin}  serves {', '.join(p.title for p in PLATFORMS.values())}")
            click.echo(f"Syncs meet it with CLEARLIFT_AD_ORIGIN={platforms.origin}")
            click.echo(
                f"Its world: GET {platforms.origin}/_sandbox/world; faults: POST {platforms.origin}/_sandbox/faults"
            )
            while not ended.wait(0.5):
                pass
    finally:
        stores.close()


@contextmanager
def sample_platforms(stores: Stores) -> Iterator[None]:
    """The sample's connections in D1, and the sandbox that they lead to, for the length of the block."""
    with sample_stores.sandbox(stores.object_store, utc_now) as platforms:
        for app in APPS:
            if "platform_connections" in app.tables:
                sample_stores.fill_connections(stores.d1(app), stores.keyring, platforms)
        before, stores.ad_origin = stores.ad_origin, platforms.origin
        try:
            yield
        finally:
            stores.ad_origin = before


def is_of_sample(stores: Stores) -> bool:
    """Whether the stores hold the sample's connections, and no platforms are named."""
    return stores.settings.embedded and not stores.ad_origin and stores.object_store.exists(sample_stores.WORLD)


def platforms(stores: Stores) -> AbstractContextManager[None]:
    """Where connections lead for the length of a block: the sample's to its sandbox, others to the platforms."""
    return sample_platforms(stores) if is_of_sample(stores) else nullcontext()


def sync(bench: Workbench) -> None:
    """Sync every active connection: the days before today that are missing, and today.

    Raises:
        click.ClickException: of a platform every connection failed; the others were synced, and all tables counted.
    """
    today = utc_now().date()
    first = max(bench.stores.settings.partitions_start, today - timedelta(days=1))
    ops = {f"clearlift__ads__{name}": {"config": {"mode": Mode.RECENT.value}} for name in PLATFORMS}
    days = daily_key(first), daily_key(today)
    failed = None
    try:
        bench.run("ads", *days, {"ops": ops}, _keys(PLATFORMS))
    except click.ClickException as error:
        failed = error
    # A run of their own: Dagster skips whatever lies behind a failed asset, and these lie behind every platform.
    bench.run("ads", *days, assets=_keys([*TABLES, "restatements"]))
    if failed is not None:
        raise failed


def _keys(names: Iterable[str]) -> list[list[str]]:
    return [["clearlift", "ads", name] for name in names]


def failures(ran: ExecuteInProcessResult) -> list[str]:
    """What a run of syncs says of connections that failed, platform by platform."""
    checks = ran.get_asset_check_evaluations()
    return [str(c.description) for c in checks if c.check_name == CONNECTIONS_OK and not c.passed]


def has_connections(stores: Stores) -> bool:
    """Whether any application has an active connection."""
    return any(
        stores.d1(app).query("select 1 as found from platform_connections where is_active = 1 limit 1")
        for app in APPS
        if "platform_connections" in app.tables
    )


def summary(bench: Workbench) -> Table | None:
    """What was synced, platform by platform; None where nothing was."""
    rows = bench.stores.postgres.fetch(read_sql("ads/summary.sql"))
    if not rows:
        return None
    found = Table(*SUMMARY.values(), title="Ads", title_justify="left", box=None)
    for row in rows:
        found.add_row(*(f"{row[c]:,}" if isinstance(row[c], int) else str(row[c]) for c in SUMMARY))
    return found
