"""Ad facts into Postgres: our merge beside a plain COPY, COPY + upsert, execute_values and dlt, on the same rows.

Ours replaces the window, keeps the ledger and the history, checks every row and finds unlisted entities. The peers only
insert or update. Each starts with an empty table (load) or with the same rows, of which one in a hundred changes
(reload).
"""

import io
import itertools
import json
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote

import psycopg2  # type: ignore[import-untyped]
import psycopg2.extensions  # type: ignore[import-untyped]
import psycopg2.extras  # type: ignore[import-untyped]

from assets.ads.history import History
from assets.ads.merge import Merge
from assets.ads.staging import SliceManifest, Staging
from assets.apps.clearlift import APP
from benchmarks import dataset, measure
from resources.ad_platforms import PLATFORMS, Fact, Page, Stream
from resources.postgres import Postgres, copy_in

ROWS = 200_000
DAYS = 50
FIRST = date(2026, 9, 1)
NOW = datetime(2026, 11, 20, tzinfo=UTC)
PEERS = ("copy_and_upsert", "plain_copy", "execute_values", "dlt_merge")
COLUMNS = (
    "app", "org_id", "ad_group_id", "date", "platform", "account_id", "impressions", "clicks", "spend", "conversions",
    "conversions_value", "currency", "time_zone", "attribution_window", "is_final", "sync_run_id",
)  # fmt: skip
RUN = str(uuid.UUID(int=7))
UPSERT = f"""insert into ads.ad_group_metrics_daily ({", ".join(COLUMNS)}) {{source}}
on conflict (app, org_id, ad_group_id, date) do update set
{", ".join(f"{name} = excluded.{name}" for name in COLUMNS[4:])}"""
DIFFERS = """
where (ad_group_metrics_daily.impressions, ad_group_metrics_daily.clicks, ad_group_metrics_daily.spend)
is distinct from (excluded.impressions, excluded.clicks, excluded.spend)"""


def main() -> None:
    """Print both tables."""
    for what, title in (("load", "into an empty table"), ("reload", "again, one row in a hundred changed")):
        measured = measure.contest("benchmarks.ads", ("ours", *PEERS), arguments=(what,), may_fail=PEERS)
        ours = measured["ours"]
        rows = [_line(name, ROWS, m, f"{m.seconds / ours.seconds:.2f}") for name, m in measured.items()]
        header = ["contender", "seconds", "thousand rows/s", "peak MB", "ours is … times as fast"]
        measure.table(f"Ad facts: {ROWS:,} rows {title}", header, rows)
    flat = {
        rows: measure.contest("benchmarks.ads", ["ours_from_pages"], 1, (str(rows),))["ours_from_pages"]
        for rows in (10_000, 100_000, 1_000_000)
    }
    measure.table(
        "Ad facts from staged pages of 10,000 rows each: memory stays flat",
        ["rows", "seconds", "thousand rows/s", "peak MB"],
        [_line(f"{rows:,}", rows, m) for rows, m in flat.items()],
    )
    dataset.stores("ads").close()  # the contenders' processes left its server running


def _line(name: str, rows: int, m: measure.Measured, *more: str) -> list[str]:
    return [name, f"{m.seconds:.2f}", f"{rows / m.seconds / 1e3:,.0f}", f"{m.peak_mb:,.0f}", *more]


def ours(what: str) -> Callable[[], None]:
    """The merge of a staged slice whose records exist before."""
    facts = _facts(ROWS)
    postgres, staging = _stores()
    platform = replace(PLATFORMS["google"], read=lambda *_: iter(facts))
    merge = Merge(APP, platform, postgres, staging, lambda: NOW)
    _prepare(postgres, ROWS, facts if what == "reload" else [])
    manifest = _manifest(ROWS)
    History(APP, postgres, lambda: NOW).adopt(manifest, staging.prefix(manifest))
    staging.keep(manifest, Page(io.BytesIO(b"{}")))
    facts[::100] = [f._replace(clicks=f.clicks + 1) for f in facts[::100]]

    def work() -> None:
        merge.run(manifest)

    return work


def copy_and_upsert(what: str) -> Callable[[], None]:
    """COPY into a temporary table, one upsert of all rows."""
    rows = _peer(what)
    postgres, _ = _stores()

    def work() -> None:
        with postgres.connection() as connection:
            connection.execute("create temporary table t (like ads.ad_group_metrics_daily) on commit drop")
            copy_in(connection, "pg_temp.t", COLUMNS, rows)
            connection.execute(UPSERT.format(source=f"select {', '.join(COLUMNS)} from t") + DIFFERS)

    return work


def plain_copy(what: str) -> Callable[[], None]:
    """COPY into an empty table of the same form, also for a reload: the least that must be written."""
    rows = _peer(what)
    postgres, _ = _stores()
    postgres.execute(
        "drop table if exists public.plain; create table public.plain (like ads.ad_group_metrics_daily including all)"
    )

    def work() -> None:
        with postgres.connection() as connection:
            copy_in(connection, "public.plain", COLUMNS, rows)

    return work


def execute_values(what: str) -> Callable[[], None]:
    """psycopg2's execute_values, a thousand rows a statement."""
    rows = _peer(what)
    postgres, _ = _stores()

    def work() -> None:
        with psycopg2.connect(postgres.dsn) as connection, connection.cursor() as cursor:
            psycopg2.extras.execute_values(cursor, UPSERT.format(source="values %s") + DIFFERS, rows, page_size=1_000)

    return work


def dlt_merge(what: str) -> Callable[[], None]:
    """dlt with the write disposition `merge` into the same Postgres, with its telemetry off."""
    folder = (dataset.ROOT / "ads" / "dlt").resolve()
    shutil.rmtree(folder, ignore_errors=True)
    # dlt reads them when it is imported.
    os.environ |= {"DLT_DATA_DIR": str(folder), "RUNTIME__DLTHUB_TELEMETRY": "false"}
    import dlt

    rows = [dict(zip(COLUMNS, row, strict=True)) for row in _peer(what)]
    postgres, _ = _stores()
    postgres.execute("drop schema if exists bench_dlt cascade")
    pipeline = dlt.pipeline(
        "bench_ads",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.postgres(_with_host_and_password(postgres.dsn)),
        dataset_name="bench_dlt",
    )

    def work() -> None:
        key = ["app", "org_id", "ad_group_id", "date"]
        pipeline.run(rows, table_name="facts", write_disposition="merge", primary_key=key)

    if what == "reload":
        work()
    return work


def _with_host_and_password(dsn: str) -> str:
    """The address in the form that dlt needs. The host in the query is the folder of a socket; libpq prefers it."""
    parts = psycopg2.extensions.parse_dsn(dsn)
    query = f"?host={quote(parts['host'], safe='')}"
    return f"postgresql://{parts['user']}:{parts.get('password', 'unasked')}@localhost/{parts['dbname']}{query}"


def ours_from_pages(rows: str) -> Callable[[], None]:
    """The merge of a slice that is in R2 as Google sent it."""
    count = int(rows)
    postgres, staging = _stores()
    _prepare(postgres, count, [])
    manifest = _manifest(count)
    History(APP, postgres, lambda: NOW).adopt(manifest, staging.prefix(manifest))
    for page in _pages(count):
        staging.keep(manifest, Page(io.BytesIO(page)))
    merge = Merge(APP, PLATFORMS["google"], postgres, staging, lambda: NOW)

    def work() -> None:
        merge.run(manifest)

    return work


def _stores() -> tuple[Postgres, Staging]:
    opened = dataset.stores("ads")
    return opened.postgres, Staging(opened.object_store, "raw/ads/")


def _manifest(rows: int) -> SliceManifest:
    return SliceManifest(
        slice_id=str(uuid.uuid4()),
        run_id=RUN,
        connection_id="bench",
        org_id="org",
        platform="google",
        account_id="1",
        stream=Stream.AD_GROUP_DAYS,
        observed_at=NOW + timedelta(microseconds=rows),
        attribution="platform_default",
        since=FIRST,
        until=FIRST + timedelta(days=DAYS - 1),
        currency="USD",
        time_zone="UTC",
    )


def _facts(rows: int) -> list[Fact]:
    return [
        Fact(
            day,
            "1",
            str(group),
            "",
            "",
            1_000 + n % 997,
            n % 97,
            Decimal(n % 100_000) / 100,
            Decimal(n % 7),
            Decimal(n % 701),
            {},
        )
        for n, (day, group) in enumerate(_keys(rows))
    ]


def _keys(rows: int) -> Iterator[tuple[date, int]]:
    return ((FIRST + timedelta(days=d), g) for d, g in itertools.product(range(DAYS), range(rows // DAYS)))


def _row(fact: Fact) -> tuple[Any, ...]:
    return (
        APP.name, "org", f"google:1:{fact.ad_group_id}", fact.day, "google", "1", fact.impressions, fact.clicks,
        fact.spend, fact.conversions, fact.conversions_value, "USD", "UTC", "platform_default", True, RUN,
    )  # fmt: skip


def _peer(what: str) -> list[tuple[Any, ...]]:
    facts = _facts(ROWS)
    postgres, _ = _stores()
    _prepare(postgres, ROWS, facts if what == "reload" else [])
    facts[::100] = [f._replace(clicks=f.clicks + 1, impressions=f.impressions + 1) for f in facts[::100]]
    return [_row(fact) for fact in facts]


def _prepare(postgres: Postgres, rows: int, stored: list[Fact]) -> None:
    """Write one campaign with its ad groups, and the facts that exist before."""
    postgres.execute(
        "truncate ads.campaigns, ads.ad_groups, ads.ads, ads.keywords, ads.ad_group_metrics_daily,"
        " ads.conversions_daily, ads.sync_runs, ads.sync_slices, ads.sync_state"
    )
    postgres.execute(
        "insert into ads.campaigns (app, org_id, id, platform, account_id, native_id, name, currency, updated_at)"
        " values (%(app)s, 'org', 'google:1:1', 'google', '1', '1', 'c', 'USD', now())",
        {"app": APP.name},
    )
    postgres.execute(
        "insert into ads.ad_groups (app, org_id, id, campaign_id, platform, account_id, native_id, name, currency,"
        " updated_at) select %(app)s, 'org', 'google:1:' || n, 'google:1:1', 'google', '1', n, n, 'USD', now()"
        " from generate_series(0, %(last)s) n",
        {"app": APP.name, "last": rows // DAYS},
    )
    if stored:
        with postgres.connection() as connection:
            copy_in(connection, "ads.ad_group_metrics_daily", COLUMNS, [_row(fact) for fact in stored])
    for table in ("campaigns", "ad_groups", "ad_group_metrics_daily"):
        postgres.execute(f"analyze ads.{table}")


def _pages(rows: int) -> Iterator[bytes]:
    page: list[Mapping[str, Any]] = []
    for n, (day, group) in enumerate(_keys(rows)):
        page.append(
            {
                "segments": {"date": f"{day}"},
                "campaign": {"id": "1", "name": "c"},
                "adGroup": {"id": str(group), "name": f"group {group}", "status": "ENABLED"},
                "metrics": {
                    "impressions": str(1_000 + n % 997),
                    "clicks": str(n % 97),
                    "costMicros": str(n % 100_000 * 10_000),
                    "conversions": n % 7 / 2,
                    "conversionsValue": n % 701,
                },
            }
        )
        if len(page) == 10_000:
            yield json.dumps({"results": page}).encode()
            page = []
    if page:
        yield json.dumps({"results": page}).encode()
