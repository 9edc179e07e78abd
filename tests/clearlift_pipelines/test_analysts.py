"""docs/analysts.md and docs/stores.md: each query is run by its tool, and the pictures are those of today."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import duckdb
import polars as pl
import pytest
from pydantic import SecretStr

from clearlift_pipelines import store_pictures
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.stores import Stores
from resources.cloudflare import api_session
from resources.postgres import Postgres, embedded
from resources.r2 import R2Sql
from tests.assets.rollups.event_lake import SCHEMA, EventLake, event
from tests.pages import DOCS, Block, blocks, blocks_in
from tests.resources.lake.engines import by_duckdb_itself
from tests.standin.r2_sql import TOKEN, R2SqlService

PAGE = "analysts.md"
COUNTS = {"page_view": 4, "click": 2}


def below(heading: str, language: str, engine: str = "") -> list[str]:
    """The blocks of a language below a heading of the page."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", (DOCS / PAGE).read_text(), re.MULTILINE | re.DOTALL)
    return [block.text for block in blocks_in(section) if (block.language, block.engine) == (language, engine)]


def psql(dsn: str, script: str) -> str:
    """What psql writes, a line a row."""
    command = [str(embedded.binaries() / "psql"), dsn, "-XAt", "-v", "ON_ERROR_STOP=1"]
    done = subprocess.run(command, input=script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_queries_of_a_login_that_comes_and_goes(migrated_dsn: str) -> None:
    with Postgres(migrated_dsn) as postgres:
        _fill(postgres)
    parts = urlsplit(migrated_dsn)
    as_ada = urlunsplit(parts._replace(netloc=f"ada@{parts.netloc.rpartition('@')[2]}"))
    comes, goes = below("Who may read", "sql")
    psql(migrated_dsn, comes)
    try:
        of_week, pages, campaigns, restated, meaning = (psql(as_ada, text) for text in below("psql", "sql"))
    finally:
        psql(migrated_dsn, goes)

    assert len(of_week.splitlines()) == 7
    assert pages == "shop.example/|30\nshop.example/hello|10\n"
    assert campaigns == "google|Spring|EUR|60.000000|3.000000|150.000000|2.50\n"
    assert restated == "google|2|1|0.500000|EUR\n"
    assert "roas|numeric|Revenue by spend; null where nothing was spent, or a rate is missing\n" in meaning
    assert not re.search(r"\|$", meaning, re.MULTILINE)


def _fill(postgres: Postgres) -> None:
    """Days, pages, a campaign with its days, credits and a restatement, of one organisation and of another."""
    for tag in ("a3f7c2", "b8e9d1"):
        for statement in FILL.split(";\n"):
            postgres.execute(statement, {"tag": tag, "org": f"org-{tag}"})


FILL = """
insert into attribution.organizations (app, org_tag, org_id, conversion_types, window_days, types_change, people_tag)
values ('clearlift', %(tag)s, %(org)s, '{}', 30, 0, %(tag)s);
insert into rollups.daily_totals (app, org_tag, day, events, visitors, sessions, value, visitor_sketch, session_sketch)
select 'clearlift', %(tag)s, current_date - n, 10, 2, 3, 0, '', '' from generate_series(0, 9) as n;
insert into rollups.daily_pages (app, org_tag, day, page_hostname, page_path, events, visitors, sessions, value)
select 'clearlift', %(tag)s, date_trunc('month', now())::date, 'shop.example', path, events, 1, 1, 0
from (values ('/', 30), ('/hello', 10)) as pages (path, events);
insert into ads.ad_accounts (app, org_id, id, platform, account_id, connection_id, currency, time_zone, updated_at,
    raw_data)
values ('clearlift', %(org)s, 'google:1', 'google', '1', 'c', 'EUR', 'UTC', now(), '{}');
insert into ads.campaigns (app, org_id, id, platform, account_id, native_id, name, status, native_status, currency,
    updated_at, last_seen_run_id, raw_data)
values ('clearlift', %(org)s, 'google:1:7', 'google', '1', '7', 'Spring', 'active', 'ENABLED', 'EUR', now(),
    gen_random_uuid(), '{}');
insert into ads.campaign_metrics_daily (app, org_id, campaign_id, date, platform, account_id, impressions, clicks,
    spend, conversions, conversions_value, currency, time_zone, attribution_window, is_final, sync_run_id)
select 'clearlift', %(org)s, 'google:1:7', current_date - n, 'google', '1', 100, 10, 20, 1, 50, 'EUR', 'UTC', '', true,
    gen_random_uuid()
from generate_series(1, 3) as n;
insert into attribution.credits (app, day, org_tag, account_day, platform, account_id, campaign_id, reason, visits,
    ad_id, model, currency, conversions, revenue)
select 'clearlift', current_date - n, %(tag)s, current_date - n, 'google', '1', 'google:1:7', '', 0, '', 'last', 'EUR',
    1, 50
from generate_series(1, 3) as n;
insert into ads.restatements (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency,
    spend_before, spend_after)
values ('clearlift', %(org)s, 'google', '1', 'google:1:7', current_date - 3, current_date - 1, gen_random_uuid(), 'EUR',
    20, 20.5)"""


@pytest.fixture
def stores(tmp_path: Path, migrated_dsn: str) -> Iterator[Stores]:
    with Stores(Settings(_env_file=None, home=tmp_path / "home", postgres_dsn=SecretStr(migrated_dsn))) as made:  # type: ignore[call-arg]
        made.migrate()
        yield made


@pytest.fixture
def metadata(stores: Stores) -> str:
    """The metadata file of a lake in which files lie that no query must see."""
    lake = EventLake(stores)
    for kind, times in COUNTS.items():
        for _ in range(times):
            lake.append(event(event_type=kind))
    lake.append(event(org_tag="b8e9d1"))
    lake.compact()
    (query,) = below("The lake", "sql")
    return psql(stores.postgres.dsn, query).strip()


@pytest.mark.filterwarnings("ignore:Iceberg scan planning:polars.exceptions.PerformanceWarning")
def test_polars_and_duckdb_read_the_lake_by_its_metadata(
    metadata: str, stores: Stores, capsys: pytest.CaptureFixture[str]
) -> None:
    for text in below("The lake", "python"):
        assert "METADATA_LOCATION" in text
        exec(text.replace("METADATA_LOCATION", metadata), {})
        said = capsys.readouterr().out
        found = re.findall(r"^[│|] *(page_view|click) *[│|┆] *(\d+) *[│|]$", said, re.MULTILINE)
        assert [(kind, int(n)) for kind, n in found] == list(COUNTS.items()), said
    files = stores.settings.home / "r2" / "**" / "*.parquet"
    lying = duckdb.connect().execute(f"select count(*) from '{files}' where org_tag = 'a3f7c2'").fetchall()
    assert lying == [(2 * sum(COUNTS.values()),)], "what a glob of files would count"


@pytest.mark.parametrize("page", [PAGE, "lake.md"])
def test_duckdb_reads_it_by_its_extension(metadata: str, page: str) -> None:
    (block,) = (block for block in blocks(page) if block.engine == "duckdb")
    rows = by_duckdb_itself(block.text.replace("METADATA_LOCATION", metadata))
    assert rows == ([tuple(each) for each in COUNTS.items()] if page == PAGE else [(sum(COUNTS.values()),)])


def test_basin_sql_takes_the_statement() -> None:
    service = R2SqlService()
    service.put("clearlift", "events", pl.DataFrame([event(event_type=kind) for kind in COUNTS], schema=SCHEMA))
    (query,) = below("Basin SQL", "sql", "basin")
    with service.loopback as basin:
        engine = R2Sql(api_session(TOKEN), "acct", "lake", api=basin.url)
        assert sorted(engine.query(query.strip()), key=str) == [
            {"event_type": kind, "events": 1} for kind in sorted(COUNTS)
        ]


def test_the_pictures_are_those_of_today(stores: Stores) -> None:
    page = (DOCS / "stores.md").read_text()
    again = "python -m clearlift_pipelines.store_pictures writes it again"
    assert store_pictures.in_page(page, stores) == page, again
    for block in blocks("stores.md"):
        assert drawn(block), block.text


ENTITY = re.compile(r'    "[\w.]+" \{\n(        [a-z_\[\]]* ?\w+ ?(PK|FK|PK, FK)\n)+    \}\n')
REFERENCE = re.compile(r'    "[\w.]+" \|\|--o\{ "[\w.]+" : "[\w, ]+"\n')


def drawn(block: Block) -> bool:
    """Whether a picture has the form that Mermaid reads."""
    rest = REFERENCE.sub("", ENTITY.sub("", block.text))
    return (block.language, rest) == ("mermaid", "erDiagram\n")
