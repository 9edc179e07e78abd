"""Roll-ups: the hourly cuts of the same events by our engine, bare polars, DuckDB and pandas, on the same files.

The peers count the same groups and exact distinct values, a session's source by its first event among them, without
sketches. All have the same number of rows, else the benchmark ends. Writing to Postgres is shown apart.
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
from assets.rollups.counting import count
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
    "campaigns": ("utm_campaign, coalesce(utm_source,''), coalesce(utm_medium,'')", "coalesce(utm_campaign,'') <> ''"),
}
_DUCKDB_SOURCES = r"""
    with landed as (
        select org_tag, date_trunc('hour', "timestamp") as hour, session_id, arg_min(
            struct_pack(
                named := lower(trim(coalesce(utm_source, ''))),
                medium := lower(trim(coalesce(utm_medium, ''))),
                referrer := regexp_replace(lower(trim(coalesce(referrer_domain, ''))), '^(?:www|m|l|lm)\\.', ''),
                host := regexp_replace(lower(trim(coalesce(page_hostname, ''))), '^(?:www|m|l|lm)\\.', '')),
            struct_pack(at := "timestamp", other := event_type <> 'page_view', id := event_id)) as first
        from events group by all
    ), own as (
        select distinct org_tag, hour, first.host as host from landed
    ), sources as (
        select landed.org_tag, landed.hour, session_id, first.medium as medium,
            case when first.named <> '' then first.named
                when own.host is not null or first.referrer = '' then 'direct'
                else regexp_replace(first.referrer, '^google\\.(?:com?\\.)?[a-z]{2,3}$', 'google') end as source
        from landed left join own
            on own.org_tag = landed.org_tag and own.hour = landed.hour and own.host = landed.first.referrer
    )
    select count(*) from (
        select org_tag, hour, source, medium, count(*), count(distinct anonymous_id),
            count(distinct session_id), sum(event_value)
        from (select *, date_trunc('hour', "timestamp") as hour from events)
        join sources using (org_tag, hour, session_id) group by all)
"""


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
            days = (count(WindowEvents(table, day).columns(), engine.grain) for day in window.days())
            rows = sum(frame.height for counted in days for frame in counted.rows.values())
        return {"rows": rows}

    return work


def polars_bare() -> Callable[[], Mapping[str, Any]]:
    paths = _paths()

    def work() -> Mapping[str, Any]:
        events = pl.scan_parquet(paths, hive_partitioning=False).select(COLUMNS).collect(engine="streaming")
        return {"rows": sum(aggregate(events, Grain.HOURLY, cut).height for cut in CUTS)}

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
            rows += engine.execute(_DUCKDB_SOURCES).fetchall()[0][0]
        return {"rows": rows}

    return work


def pandas_bare() -> Callable[[], Mapping[str, Any]]:
    paths = _paths()

    def work() -> Mapping[str, Any]:
        events = pd.concat([pd.read_parquet(path, columns=list(COLUMNS)) for path in paths])
        events["hour"] = events["timestamp"].dt.floor("h")
        events = events.merge(_pandas_sources(events), on=["org_tag", "hour", "session_id"])
        rows = 0
        for dimensions, part in (
            (["event_type", "utm_source", "utm_medium", "utm_campaign", "device_type", "geo_country"], events),
            ([], events),
            (["page_hostname", "page_path"], events[events["event_type"] == "page_view"]),
            (["source", "medium"], events),
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


def _pandas_sources(events: pd.DataFrame) -> pd.DataFrame:
    session = ["org_tag", "hour", "session_id"]
    landed = (
        events.assign(other=events["event_type"] != "page_view")
        .sort_values(["timestamp", "other", "event_id"])
        .drop_duplicates(session)
    )
    text = {
        name: landed[name].fillna("").str.strip().str.lower()
        for name in ("utm_source", "utm_medium", "referrer_domain", "page_hostname")
    }
    prefix = r"^(?:www|m|l|lm)\."
    landed = landed[session].assign(
        named=text["utm_source"],
        medium=text["utm_medium"],
        referrer=text["referrer_domain"].str.replace(prefix, "", regex=True),
        host=text["page_hostname"].str.replace(prefix, "", regex=True),
    )
    own = landed[["org_tag", "hour", "host"]].drop_duplicates().rename(columns={"host": "referrer"})
    landed = landed.merge(own.assign(own=True), on=["org_tag", "hour", "referrer"], how="left")
    source = landed["referrer"].str.replace(r"^google\.(?:com?\.)?[a-z]{2,3}$", "google", regex=True)
    source = source.mask(landed["own"].notna() | (landed["referrer"] == ""), "direct")
    source = source.mask(landed["named"] != "", landed["named"])
    return landed[[*session, "medium"]].assign(source=source)


def _paths() -> list[str]:
    opened, table = dataset.lake("lake-large", *SIZE)
    paths = [info.path.removeprefix("file://") for info in table.files()]
    opened.close()
    return paths


if __name__ == "__main__":
    main()
