"""`clearlift backfill`: partitions of a range made again in this process, without a daemon."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click

from assets.apps import App
from assets.capability import Object
from assets.events import pruned
from assets.rollups.periods import Period
from assets.sessions.definition import read_for
from assets.windows import DAY, HOUR, Window, daily_key, floor_hour, hourly_key, midnight
from clearlift_pipelines.cli import ads as syncing
from clearlift_pipelines.cli import attribution as attributing
from clearlift_pipelines.cli.apps import app_option
from clearlift_pipelines.cli.execution import Workbench, workbench
from clearlift_pipelines.cli.organisations import require
from clearlift_pipelines.stores import utc_now
from resources.ad_platforms import PLATFORMS
from resources.counts import counted, listed
from resources.declined import DeclinedError

# A run writes two events a partition: a week of hours takes seconds, a year's 8,736 took five minutes before it began.
CHUNK = timedelta(days=7)
ATTRIBUTION_CHUNK = timedelta(days=31)
# The days that a platform is asked for in one run.
ADS_CHUNK = timedelta(days=92)
DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H"])


@click.group()
def backfill() -> None:
    """Make partitions of a range again.

    Example: clearlift backfill rollups --from 2026-03-01 --to 2026-03-08
    """


@backfill.command()
@app_option(lambda app: app.audience)
@click.option("--from", "first", type=DATE, required=True, help="First day or hour, UTC.")
@click.option("--to", "end", type=DATE, required=True, help="Day or hour after the last, UTC.")
@click.option("--org", help="One organisation's tag only.")
def rollups(app: App, first: datetime, end: datetime, org: str | None) -> None:
    """Roll-ups of [from, to) from the lake: of every grain, sessions, and the caches made of them.

    Example: clearlift backfill rollups --from 2026-03-01 --to 2026-03-08 --org a3f7c2
    """
    window = _window(first, end)
    with workbench() as bench:
        start = midnight(bench.stores.settings.partitions_start)
        if window.start < start:
            raise DeclinedError(
                f"--from {window.start:%Y-%m-%d} lies before the first partition",
                f"name a day from {start:%Y-%m-%d} on (CLEARLIFT_PARTITIONS_START)",
            )
        now = utc_now()
        latest = midnight(now.date()) + DAY
        if window.end > latest or window.start > now:
            raise DeclinedError(
                f"{'--to' if window.end > latest else '--from'} lies in the future",
                f"name days up to --to {latest:%Y-%m-%d}",
            )
        # Of today, the hours up to the one in progress are there.
        window = Window(window.start, min(window.end, floor_hour(now) + HOUR))
        bench.stores.prepare()
        require(bench.stores, app, org)
        # The first and last sessions of a day reach into its neighbours.
        around = Window(
            max(start, midnight(window.start.date()) - DAY), min(latest, midnight((window.end - HOUR).date()) + 3 * DAY)
        )
        with bench.stores.postgres.connection() as connection:
            # Asked before anything is made of a range that cannot be made whole.
            pruned.refuse(connection, app, read_for(around), org)
        bar = bench.bar("weeks of roll-ups")
        chunks = list(_chunks(window))
        for done, chunk in enumerate(chunks):
            bar(done, len(chunks))
            hours = hourly_key(chunk.start), hourly_key(chunk.end - HOUR)
            bench.run(app, "roll_up_hours", *hours, config=_of(org, "rollups", "hourly"))
            days = daily_key(chunk.start.date()), daily_key((chunk.end - HOUR).date())
            bench.run(app, "roll_up_days", *days, config=_of(org, "rollups", "daily"))
        days = daily_key(around.start.date()), daily_key((around.end - DAY).date())
        bench.run(app, "sessions", *days, config=_of(org, "sessions", "daily"))
        for period, job in ((Period.WEEKLY, "roll_up_weeks"), (Period.MONTHLY, "roll_up_months")):
            first_day, last_day = map(daily_key, period.ends(window))
            bench.run(app, job, first_day, last_day, config=_of(org, "rollups", period.value))
        bar(len(chunks), len(chunks))
        _compare(bench, app, window, org)


@backfill.command()
@app_option(lambda app: app.ad_accounts)
@click.option("--platform", type=click.Choice(list(PLATFORMS)), required=True)
@click.option("--connection", help="One connection only, by its id.")
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), help="First metric day.")
@click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), help="Metric day after the last.")
@click.option("--replay", is_flag=True, help="Merge the connection's staged pages again, without the platform.")
def ads(
    app: App, platform: str, connection: str | None, first: datetime | None, end: datetime | None, replay: bool
) -> None:
    """Metric days of [from, to) from an ad platform, for every active connection or for one.

    Example: clearlift backfill ads --platform google --connection CONNECTION --from 2026-01-01 --to 2026-04-01
    """
    if replay:
        if connection is None or first is not None or end is not None:
            raise click.UsageError("--replay takes --connection, and no --from and --to: it merges all that is staged")
        syncing.replay(app, platform, connection)
        return
    if first is None or end is None:
        raise click.UsageError("--from and --to are needed")
    window = _window(first, end)
    syncing.backfill(app, platform, connection, window=window, chunks=_chunks(window, ADS_CHUNK))


@backfill.command()
@app_option(lambda app: app.ad_accounts and app.ad_accounts.rules)
@click.option("--from", "first", type=click.DateTime(["%Y-%m-%d"]), required=True, help="First day, UTC.")
@click.option("--to", "end", type=click.DateTime(["%Y-%m-%d"]), required=True, help="Day after the last, UTC.")
def attribution(app: App, first: datetime, end: datetime) -> None:
    """Touches, conversions and credits of days of [from, to), and of the days that they change.

    Caches follow at their next run; `clearlift job warm` brings them up to date at once.

    Example: clearlift backfill attribution --from 2026-03-01 --to 2026-03-08
    """
    window = _window(first, end)
    attributing.backfill(app, window, _chunks(window, ATTRIBUTION_CHUNK))


def _compare(bench: Workbench, app: App, window: Window, org: str | None) -> None:
    """Have the range counted by R2 SQL, where it is set, and compare.

    Raises:
        DeclinedError: organisations have other events in the lake than in roll-ups.
    """
    if (r2_sql := bench.stores.r2_sql_counts) is None:
        return
    from assets.rollups.range_counts import compared

    found = compared(bench.stores, r2_sql, app, window, org)
    said = f"{counted(found.counted, 'event')} in the lake by Basin SQL, {found.rolled_up:,} in roll-ups"
    if found.differences and not found.moved:
        named = listed([f"{tag} ({lake:,} and {ours:,})" for tag, (lake, ours) in found.differences.items()], 5)
        raise DeclinedError(f"{said}; different: {named}", "run the same backfill again")
    bench.console.print(f"{said}{'; the lake has changed meanwhile' if found.differences else ''}", soft_wrap=True)


def _of(org: str | None, capability: str, name: str) -> dict[Object, dict[str, str]] | None:
    """The configuration that limits an asset to one organisation."""
    return {(capability, name): {"org": org}} if org else None


def _window(first: datetime, end: datetime) -> Window:
    start, stop = first.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
    if stop <= start:
        raise click.UsageError("--to must lie after --from")
    return Window(start, stop)


def _chunks(window: Window, length: timedelta = CHUNK) -> Iterator[Window]:
    start = window.start
    while start < window.end:
        end = min(midnight(start.date()) + length, window.end)
        yield Window(start, end)
        start = end
