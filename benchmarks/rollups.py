"""Roll-ups: the hourly cuts of the same events by our engine, bare polars, DuckDB and pandas, on the same files.

The peers count the same groups and exact distinct values, without sketches. Writing to Postgres is shown apart.
"""

import atexit
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import duckdb
import pandas as pd
import polars as pl

from assets.apps.clearlift import APP
from assets.rollups.build import RollUp
from assets.rollups.definition import COLUMNS, CUTS, Grain, aggregate
from assets.rollups.window_events import WindowEvents
from assets.windows import DAY, Window
from benchmarks import dataset, measure

SIZE = (5, 2, 100, 2_000)
CONTENDERS = ("ours_counted", "ours_written", "polars_bare", "duckdb_bare", "pandas_bare")
_DUCKDB = {
    "": (
        (
            "coalesce(event_type,''), coalesce(utm_source,''), coalesce(utm_medium,''), coalesce(utm_campaign,''), "
            "coalesce(device_type,''), coalesce(geo_country,'')"
        ),
        "true",
    ),
    "totals": ("1", "true"),
    "pages": ("page_hostname, page_path", "event_type = 'page_view'"),
    "sources": (
        "coalesce(nullif(utm_source,''), nullif(referrer_domain,''), 'direct'), coalesce(utm_medium,'')",
        "true",
    ),
    "campaigns": ("utm_campaign, coalesce(utm_source,''), coalesce(utm_medium,'')", "coalesce(utm_campaign,'') <> ''"),
}


def main() -> None:
    """Print the table."""
    orgs, days, files, rows = SIZE
    opened, _ = dataset.lake("lake-large", *SIZE)
    opened.close()
    measured = measure.contest("benchmarks.rollups", CONTENDERS)
    total = orgs * days * files * rows
    counted = measured["ours_counted"]
    measure.table(
        f"Hourly roll-ups, five cuts: {total:,} events in {orgs * days * files:,} files",
        ["contender", "seconds", "thousand events/s", "peak MB", "ours (counted) is … times as fast"],
        [
            [
                name,
                f"{m.seconds:.2f}",
                f"{total / m.seconds / 1e3:,.0f}",
                f"{m.peak_mb:,.0f}",
                f"{m.seconds / counted.seconds:.2f}",
            ]
            for name, m in measured.items()
        ],
    )


def ours_counted() -> Callable[[], Mapping[str, Any]]:
    """All but the writing: read, look for doubles, count, sketch."""
    return _ours(write=False)


def ours_written() -> Callable[[], Mapping[str, Any]]:
    """The same, and replace the rows in Postgres."""
    return _ours(write=True)


def _ours(*, write: bool) -> Callable[[], Mapping[str, Any]]:
    opened, table = dataset.lake("lake-large", *SIZE)
    atexit.register(opened.close)
    engine = RollUp(APP, Grain.HOURLY, table, opened.postgres, lambda: datetime.now(UTC))
    window = Window(dataset.FIRST_DAY, dataset.FIRST_DAY + SIZE[1] * DAY)

    def work() -> Mapping[str, Any]:
        if write:
            rows = sum(engine.run(window).rows.values())
        else:
            days = (WindowEvents(table, day).single(engine.grain)[0] for day in window.days())
            rows = sum(frame.height for events in days for frame in engine.count(events).values())
        return {"rows": rows}

    return work


def polars_bare() -> Callable[[], Mapping[str, Any]]:
    paths = _paths()

    def work() -> Mapping[str, Any]:
        events = pl.scan_parquet(paths, hive_partitioning=False).select(COLUMNS).collect(engine="streaming")
        return {
            "rows": sum(aggregate(events.lazy(), Grain.HOURLY, cut).collect(engine="streaming").height for cut in CUTS)
        }

    return work


def duckdb_bare() -> Callable[[], Mapping[str, Any]]:
    paths = _paths()

    def work() -> Mapping[str, Any]:
        rows = 0
        with duckdb.connect() as engine:
            engine.execute("set timezone = 'UTC'")
            engine.execute(
                f"create table events as select {', '.join(COLUMNS)} "
                "from read_parquet($paths, hive_partitioning = false)",
                {"paths": paths},
            )
            for dimensions, where in _DUCKDB.values():
                rows += engine.execute(
                    f"select count(*) from (select org_tag, date_trunc('hour', \"timestamp\"), {dimensions}, count(*), "
                    "count(distinct anonymous_id), count(distinct session_id), sum(event_value) "
                    f"from events where {where} group by all)"
                ).fetchall()[0][0]
        return {"rows": rows}

    return work


def pandas_bare() -> Callable[[], Mapping[str, Any]]:
    paths = _paths()

    def work() -> Mapping[str, Any]:
        events = pd.concat([pd.read_parquet(path, columns=list(COLUMNS)) for path in paths])
        events["hour"] = events["timestamp"].dt.floor("h")
        events["source"] = events["utm_source"].fillna(events["referrer_domain"]).fillna("direct")
        rows = 0
        for dimensions, part in (
            (["event_type", "utm_source", "utm_medium", "utm_campaign", "device_type", "geo_country"], events),
            ([], events),
            (["page_hostname", "page_path"], events[events["event_type"] == "page_view"]),
            (["source", "utm_medium"], events),
            (["utm_campaign", "utm_source", "utm_medium"], events[events["utm_campaign"].notna()]),
        ):
            grouped = part.groupby(["org_tag", "hour", *dimensions], dropna=False, observed=True)
            rows += len(
                grouped.agg(
                    events=("event_id", "size"),
                    visitors=("anonymous_id", "nunique"),
                    sessions=("session_id", "nunique"),
                    value=("event_value", "sum"),
                )
            )
        return {"rows": rows}

    return work


def _paths() -> list[str]:
    opened, table = dataset.lake("lake-large", *SIZE)
    paths = [info.path.removeprefix("file://") for info in table.files()]
    opened.close()
    return paths


if __name__ == "__main__":
    main()
