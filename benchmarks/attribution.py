"""Attribution: the touches, conversions and credits of a day, made first and again, over days that are there already.

A session of these events names a campaign at its landing, as a real one does. The limit is a bare polars read of the
columns that the work needs.
"""

import atexit
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from assets.apps.clearlift import APP
from assets.attribution.build import Touches
from assets.attribution.credit import Credits
from assets.windows import DAY, Window
from benchmarks import dataset, measure
from clearlift_pipelines.stores import Stores
from resources.lake import LakeTable, PartitionKey
from resources.postgres import copy_in
from sandbox import sample_stores
from sandbox.sample import ORGANISATIONS

NAME, DAYS, EVENTS_A_DAY, CAMPAIGNS = "attribution", 4, 60_000, 30
CONTENDERS = ("made_first", "made_again", "bare_read")
LATE = timedelta(days=35)


def main() -> None:
    """Print the table."""
    shutil.rmtree(dataset.ROOT / NAME, ignore_errors=True)
    _opened()[0].close()
    measured = measure.contest("benchmarks.attribution", CONTENDERS)
    events = EVENTS_A_DAY * len(_tags())
    measure.table(
        f"Attribution: a day of {events:,} events after {DAYS - 1} others",
        ["contender", "seconds", "CPU seconds", "thousand events a CPU second", "touches", "credits"],
        [
            [
                name,
                f"{m.seconds:.2f}",
                f"{m.cpu:.2f}",
                f"{events / m.cpu / 1e3:,.0f}",
                f"{m.details.get('touches', 0):,}",
                f"{m.details.get('credits', 0):,}",
            ]
            for name, m in measured.items()
        ],
    )


def made_first() -> Callable[[], Mapping[str, Any]]:
    """The last day, of which nothing is stored."""
    opened, table = _opened()
    for relation in ("touches", "conversions", "credits", "windows"):
        opened.postgres.execute(f"delete from attribution.{relation} where day >= %s", (_last().start.date(),))
    return _made(opened, table)


def made_again() -> Callable[[], Mapping[str, Any]]:
    """The last day, which is stored as it is."""
    return _made(*_opened())


def bare_read() -> Callable[[], Mapping[str, Any]]:
    """The columns of the last day, read by polars."""
    opened, table = _opened()
    window = _last()
    files = [info.path.removeprefix("file://") for info in table.files(window.start, window.end, None, None)]
    opened.close()
    columns = ["org_tag", "anonymous_id", "session_id", "timestamp", "event_id", "event_type", "page_url"]
    columns += ["page_search", "utm_source", "utm_campaign", "utm_content", "consent_marketing", "user_id"]

    def work() -> Mapping[str, Any]:
        everything = pl.scan_parquet(files, hive_partitioning=False)
        # Files lack the columns that are null in all their rows.
        there = [name for name in everything.collect_schema().names() if name in columns]
        rows = everything.select(there).collect(engine="streaming")
        return {"events": rows.height}

    return work


def _made(opened: Stores, table: LakeTable) -> Callable[[], Mapping[str, Any]]:
    atexit.register(opened.close)
    engine = Touches(APP, table, opened.d1(APP), opened.postgres, _now, LATE)

    def work() -> Mapping[str, Any]:
        counts = engine.run(_last())[0]
        Credits(APP, opened.postgres).run(_last())
        (row,) = opened.postgres.fetch("select count(*) as n from attribution.credits")
        return {"touches": counts.touches, "credits": row["n"]}

    return work


def _opened() -> tuple[Stores, LakeTable]:
    opened = dataset.stores(NAME)
    table = opened.lake.ensure(dataset.EVENTS)
    if table.head()[0] is None:
        sample_stores.fill_d1(opened.d1(APP))
        _campaigns(opened)
        table.append(table.write(_parts()), "attribution")
        days = Window(dataset.FIRST_DAY, dataset.FIRST_DAY + DAYS * DAY)
        Touches(APP, table, opened.d1(APP), opened.postgres, _now, LATE).run(days)
        Credits(APP, opened.postgres).run(days)
    return opened, table


def _campaigns(opened: Stores) -> None:
    columns = ("app", "org_id", "id", "platform", "account_id", "native_id", "name", "currency", "updated_at")
    rows = [
        (APP.name, f"org-{tag}", f"google:1:{n}", "google", "1", str(n), f"campaign_{n}", "EUR", _now())
        for tag in _tags()
        for n in range(CAMPAIGNS)
    ]
    with opened.postgres.connection() as connection:
        copy_in(connection, "ads.campaigns", columns, rows)


def _parts() -> Iterator[tuple[PartitionKey, pl.DataFrame]]:
    for number, tag in enumerate(_tags()):
        for day in range(DAYS):
            start = dataset.FIRST_DAY + day * DAY
            yield PartitionKey(tag, start.date()), _events(tag, start, number * DAYS + day)


def _events(tag: str, start: datetime, seed: int) -> pl.DataFrame:
    """A day of sessions of six events on the average, of which two in five land by a campaign."""
    events = dataset.events(EVENTS_A_DAY, tag, start, DAY, seed)
    chance = np.random.default_rng(seed)
    sessions = EVENTS_A_DAY // 6
    session = np.sort(chance.integers(0, sessions, EVENTS_A_DAY))
    lands = np.append(True, session[1:] != session[:-1])
    begins = chance.integers(0, 23 * 3_600, sessions)[session]
    seconds = begins + np.arange(EVENTS_A_DAY) % 40 * 45
    campaign = chance.integers(0, CAMPAIGNS * 5 // 2, sessions)[session]
    tagged = lands & (campaign < CAMPAIGNS)
    name = pl.when(pl.Series(tagged)).then(pl.format("campaign_{}", pl.Series(campaign)))
    return (
        events.with_columns(
            pl.format("visitor-{}", pl.Series(chance.integers(0, sessions // 2, sessions)[session])).alias(
                "anonymous_id"
            ),
            pl.format("session-{}-{}", pl.lit(seed), pl.Series(session)).alias("session_id"),
            (pl.lit(start) + pl.duration(seconds=pl.lit(pl.Series(seconds))))
            .cast(pl.Datetime("us", "UTC"))
            .alias("timestamp"),
            name.alias("utm_campaign"),
            pl.when(pl.Series(tagged)).then(pl.lit("google")).alias("utm_source"),
            pl.when(pl.Series(tagged))
            .then(pl.format("?utm_source=google&utm_campaign=campaign_{}", pl.Series(campaign)))
            .alias("page_search"),
            pl.lit(None, pl.Boolean).alias("consent_marketing"),
        )
        .select(events.columns)
        .sort("timestamp")
    )


def _tags() -> list[str]:
    return [org.tag for org in ORGANISATIONS if org.active]


def _last() -> Window:
    end = dataset.FIRST_DAY + DAYS * DAY
    return Window(end - DAY, end)


def _now() -> datetime:
    return datetime(2026, 3, 20, tzinfo=UTC)


if __name__ == "__main__":
    main()
