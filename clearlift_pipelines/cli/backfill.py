"""`clearlift backfill`: partitions of a range made again, here and now, without a daemon."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click

from assets.partitions import daily_key, hourly_key
from assets.windows import DAY, HOUR, Window, midnight
from clearlift_pipelines.cli.execution import workbench
from clearlift_pipelines.definitions import utc_now

# A run writes two events a partition: a week of hours takes seconds, a year's 8,736 took five minutes before it began.
CHUNK = timedelta(days=7)
DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H"])


@click.group()
def backfill() -> None:
    """Make partitions of a range again."""


@backfill.command()
@click.option("--from", "first", type=DATE, required=True, help="First day or hour, UTC.")
@click.option("--to", "end", type=DATE, required=True, help="Day or hour after the last, UTC.")
@click.option("--org", help="One organisation's tag only.")
def rollups(first: datetime, end: datetime, org: str | None) -> None:
    """Hourly and daily roll-ups of [from, to) from the lake, then the caches made of them."""
    window = _window(first, end)
    with workbench() as bench:
        start = midnight(bench.stores.settings.partitions_start)
        if window.start < start:
            raise click.ClickException(
                f"--from {window.start:%Y-%m-%d} lies before the first partition, {start:%Y-%m-%d} "
                "(CLEARLIFT_PARTITIONS_START)"
            )
        latest = midnight(utc_now().date()) + DAY
        if window.end > latest:
            raise click.ClickException(f"--to lies in the future; the last that can be made is {latest:%Y-%m-%d}")
        bench.stores.migrate()
        bar = bench.bar("weeks of roll-ups")
        chunks = list(_chunks(window))
        for done, chunk in enumerate(chunks):
            bar(done, len(chunks))
            bench.run("roll_up_hours", hourly_key(chunk.start), hourly_key(chunk.end - HOUR), _config("hourly", org))
            days = Window(midnight(chunk.start.date()), midnight((chunk.end - HOUR).date()) + DAY)
            bench.run(
                "roll_up_days",
                daily_key(days.start.date()),
                daily_key((days.end - DAY).date()),
                _config("daily", org),
            )
        bar(len(chunks), len(chunks))


def _config(grain: str, org: str | None) -> dict[str, object] | None:
    return {"ops": {f"clearlift__rollups__{grain}": {"config": {"org": org}}}} if org else None


def _window(first: datetime, end: datetime) -> Window:
    start, stop = first.replace(tzinfo=UTC), end.replace(tzinfo=UTC)
    if stop <= start:
        raise click.ClickException("--to must lie after --from")
    return Window(start, stop)


def _chunks(window: Window) -> Iterator[Window]:
    start = window.start
    while start < window.end:
        end = min(midnight(start.date()) + CHUNK, window.end)
        yield Window(start, end)
        start = end
