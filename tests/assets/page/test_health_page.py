"""The page of the pipelines over real stores: with nothing, a row in every table, much data, and without Postgres."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance, DagsterRun, DagsterRunStatus, build_sensor_context
from pydantic import SecretStr

from assets.finding import NOTHING_RAN, Finding, HealthCheck, Severity
from assets.health.ledger import Ledger
from assets.page import assets as page_assets
from assets.page import health_page, intakes, lag, lines, organisations, sizes, wrong
from assets.page.blocks import Note, Page, Standing
from assets.page.document import html
from assets.page.source import Source
from clearlift_pipelines import page, run_figures, settings
from clearlift_pipelines.stores import Stores
from resources.postgres import Postgres
from tests.assets.page.conftest import NOW
from tests.filled import fill_postgres

MOST_BYTES = 300_000
# Of much data, so that there is room for another section.
MUCH_BYTES = 250_000


def unread(made: Page) -> list[str]:
    return re.findall(r"No data, because it could not be read: [^<]*", html(made))


def test_where_nothing_is_known_nothing_is_good(source: Source) -> None:
    made = health_page.made(source)
    assert unread(made) == []
    assert made.standing is Standing.UNKNOWN
    text = html(made)
    assert 'class="good"' not in text
    assert "Nobody has looked yet" in text
    silent = {one.name for one in made.sections if "no data" not in html(replace(made, sections=[one])).lower()}
    assert silent <= {"findings", "organisations", "policies"}


def test_every_section_is_read_with_a_row_in_every_table(source: Source) -> None:
    left_out = fill_postgres(source.rooms.postgres)
    assert not {name for name in left_out if name.split(".")[0] in ("ingest", "rollups", "health", "cache", "ads")}
    made = health_page.made(source)
    assert unread(made) == []
    assert len(html(made).encode()) < MOST_BYTES


def fill_with_much(postgres: Postgres) -> None:
    """200 organisations with ads in two currencies over 30 days, 100 connections, 40 findings, 3 apps of requests."""
    postgres.execute(
        """
        insert into rollups.daily_totals (
            app, org_tag, day, events, visitors, sessions, value, visitor_sketch, session_sketch
        )
        select 'clearlift', 'tag' || o, date '2026-01-01' - d, 1000 * o + d, 100 * o, 120 * o, 5, '', ''
        from generate_series(1, 200) o, generate_series(0, 29) d;
        insert into attribution.organizations (app, org_tag, org_id, conversion_types, window_days)
        select 'clearlift', 'tag' || o, 'org' || o, '{purchase}', 30 from generate_series(1, 200) o;
        insert into ads.campaign_metrics_daily (
            app, org_id, campaign_id, date, platform, account_id, impressions, clicks, spend, conversions,
            conversions_value, currency, time_zone, attribution_window, is_final, sync_run_id
        )
        select 'clearlift', 'org' || o, 'c' || c, date '2026-01-01' - d, 'google', 'a', 1, 1, 1234.56 * c + 97 * d, 0,
            0, (array['EUR', 'USD'])[c], 'UTC', '7d', true, gen_random_uuid()
        from generate_series(1, 200) o, generate_series(1, 2) c, generate_series(0, 29) d;
        insert into attribution.credits (
            app, day, org_tag, account_day, platform, account_id, campaign_id, reason, visits, model, currency,
            conversions, revenue
        )
        select 'clearlift', date '2026-01-01' - d, 'tag' || o, date '2026-01-01' - d, 'google', 'a', 'c' || c, '', 0,
            'last', (array['EUR', 'USD'])[c], 3 + (7 * o + d) % 11, 4321.09 * c + 131 * d
        from generate_series(1, 200) o, generate_series(1, 2) c, generate_series(0, 29) d;
        insert into ads.sync_runs (app, id, connection_id, org_id, platform, account_id, mode, started_at, status)
        select 'clearlift', gen_random_uuid(), 'connection-' || n, 'o', 'google', 'a', 'recent', '2026-01-01', 'error'
        from generate_series(1, 100) n;
        insert into health.requests
        select s, c, date '2026-01-01' - d, 1000 from unnest(array['object store', 'a-kv', 'b-kv']) s,
            unnest(array['R2 class A', 'KV writes', 'KV reads']) c, generate_series(0, 29) d;
        insert into health.samples
        select 'bytes', s, timestamptz '2026-01-01 11:00Z' - d * interval '1 day', 1e9 - d * 1e6
        from unnest(array['postgres', 'clearlift-d1', 'sesh-d1', 'clearlift-kv', 'disk']) s, generate_series(0, 29) d
        """
    )
    findings = [Finding(f"thing {number}", "it is wrong " * 20, "clearlift doctor") for number in range(40)]
    Ledger(postgres).record(HealthCheck("clearlift", "check", lambda _: ()), findings, NOW)


def test_with_much_data_it_stays_small(source: Source) -> None:
    fill_with_much(source.rooms.postgres)
    made = health_page.made(source)
    assert unread(made) == []
    text = html(made)
    assert len(text.encode()) < MUCH_BYTES
    assert text.count(": ROAS in ") >= 2 * organisations.MOST
    assert "188 more have no chart" in text
    assert "tag200" in text


def test_findings_are_first_and_those_of_an_old_look_may_be_over(source: Source) -> None:
    ledger = Ledger(source.rooms.postgres)
    check = HealthCheck("clearlift", "check", lambda _: ())
    ledger.record(check, [Finding("a", "it is wrong", "clearlift run", Severity.CRITICAL)], NOW)
    made = health_page.made(source)
    assert made.sections[0].name == wrong.NAME
    assert made.standing is Standing.CRITICAL
    assert "clearlift/check: a" in html(made)
    ledger.record(check, [], NOW + timedelta(minutes=5))
    soon = replace(source, now=NOW + timedelta(minutes=6))
    new = wrong.section(wrong.read(soon))
    assert new.standing is Standing.UNKNOWN
    assert new.blocks[1] == Note(NOTHING_RAN, Standing.UNKNOWN)
    good = wrong.section(wrong.read(replace(soon, ran=lambda: True)))
    assert good.standing is Standing.GOOD
    late = wrong.section(wrong.read(replace(source, now=NOW + timedelta(hours=1))))
    assert late.standing is Standing.UNKNOWN


def test_without_postgres_every_section_says_so_at_once_and_no_secret_is_shown(
    tmp_path: Path, instance: DagsterInstance
) -> None:
    dsn = SecretStr("postgresql://me:hush@127.0.0.1:1/x?connect_timeout=2")
    with Stores(settings.load(home=tmp_path / "home", postgres_dsn=dsn), clock=lambda: NOW) as stores:
        made = page.health(stores, instance)
    assert len(unread(made)) == len(health_page.PARTS) - 1, "policies are data"
    assert made.standing is Standing.UNKNOWN
    assert "hush" not in html(made)


def test_counts_of_lines_that_do_not_add_up_are_critical() -> None:
    day = date(2026, 1, 1)
    received = lines.Received([day], ["clearlift"], [lines.OfDay("clearlift", day, 10, (5, 2, 1, 1), 0)], [])
    blocks = lines.section(received).blocks
    assert [block.standing for block in blocks if hasattr(block, "standing")] == [Standing.CRITICAL]


def test_a_batch_is_followed_from_its_landing_to_kv(source: Source, instance: DagsterInstance) -> None:
    postgres = source.rooms.postgres
    postgres.execute(
        """
        insert into ingest.runs (app, ingest_id, state, started_at, committed_at, snapshot_id)
        values ('clearlift', '00000000-0000-0000-0000-000000000001', 'committed', now(), now(), 1);
        insert into ingest.batches (
            app, object_key, etag, sha256, ingest_id, bytes, received, stored, doubled, conflicting, quarantined,
            without_consent, landed_at
        )
        values ('clearlift', 'k', 'e', 's', '00000000-0000-0000-0000-000000000001', 1, 3, 3, 0, 0, 0, 0,
            now() - interval '1 minute')
        """
    )
    now = datetime.now(UTC) + timedelta(minutes=1)
    source = replace(source, now=now)
    ((waiting,),) = (one.batches for one in lag.read(source))
    assert waiting.served is None
    for name in (("rollups", "hourly"), ("cache", "series")):
        instance.report_runless_asset_event(AssetMaterialization(AssetKey(["clearlift", *name])))
    ((batch,),) = (one.batches for one in lag.read(source))
    assert batch.served is not None
    assert timedelta(minutes=1) <= batch.served - batch.landed < timedelta(minutes=3)
    assert run_figures.made(instance, ["clearlift", "rollups", "hourly"], now) == []


def test_runs_are_counted_by_day(source: Source, instance: DagsterInstance) -> None:
    run = instance.add_run(DagsterRun(job_name="a", status=DagsterRunStatus.STARTED))
    instance.report_run_failed(run)
    found = run_figures.history(instance, lambda: 5, datetime.now(UTC) - timedelta(days=1))
    (day,) = found.days
    assert (day.runs, day.failed, found.bytes, found.runs) == (1, 1, 5, 1)


def test_a_source_that_waits_and_a_connection_that_failed_are_seen(source: Source) -> None:
    source.rooms.object_store.put("landing/events/2026/01/01/11/a.ndjson", b"{}")
    found = intakes.read(replace(source, now=datetime.now(UTC) + timedelta(hours=1)))
    events = next(one for one in found.intakes if one.what == "web events")
    assert events.waiting == 1
    failed = intakes.Connection("a", "google", "c", "error", "429", None, None, 0, 3, 9)
    section = intakes.section(replace(found, connections=[failed]))
    text = html(Page("p", "", NOW, [section]))
    assert '<span class="warning">1 batch</span>' in text
    assert '<span class="critical">error (429)</span>' in text


def test_cpa_and_roas_are_of_one_currency(source: Source) -> None:
    day = date(2026, 1, 1)
    of = organisations.Organisations(
        [day],
        [organisations.Visits("a", "t", day, 10, 4)],
        [
            organisations.Credited("a", "t", day, "EUR", 100.0, 4.0, 250.0, rate_missing=False),
            organisations.Credited("a", "t", day, "JPY", 100.0, 4.0, 250.0, rate_missing=True),
            organisations.Credited("a", "t", day, "USD", 10.0, 0.0, 0.0, rate_missing=False),
        ],
    )
    table = organisations.section(of).blocks[0]
    rows = [[str(getattr(cell, "text", cell)) for cell in row] for row in table.rows]  # type: ignore[union-attr]
    assert rows[0][4:] == ["100.00 EUR", "4", "250.00 EUR", "25.00 EUR", "2.50"]
    assert rows[1][4:] == ["100.00 JPY", "4", "250.00 JPY", "25.00 JPY", "no data"]
    assert rows[2][4:] == ["10.00 USD", "0", "0.00 USD", "no data", "no data"]
    assert organisations.Credited("a", "t", day, "JPY", 100.0, 4.0, 250.0, rate_missing=True).roas is None


def test_a_store_that_is_nearly_full_stands_out(source: Source) -> None:
    ledger = Ledger(source.rooms.postgres)
    for days in range(4):
        ledger.add_samples("bytes", {"clearlift-d1": 9e9 - days * 1e8}, NOW - timedelta(days=days))
    found = sizes.read(source)
    d1 = next(one for one in found.stores if one.store == "clearlift-d1")
    assert d1.full_in == pytest.approx(10, rel=0.01)
    text = html(Page("p", "", NOW, [sizes.section(found)]))
    assert '<span class="warning">90.0 %</span>' in text
    assert '<span class="warning">10.0 days</span>' in text


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_the_sensor_writes_the_page_and_says_so_once_an_hour(stores: Stores, instance: DagsterInstance) -> None:
    sensor = page_assets.sensor(lambda of: page.write(stores, of))
    with build_sensor_context(instance) as context:
        first = sensor.evaluate_tick(context)
    assert [event.asset_key for event in first.asset_events] == [page_assets.PAGE]
    assert stores.object_store.get(page_assets.KEY).startswith(b"<!doctype html>")
    with build_sensor_context(instance, cursor=first.cursor) as context:
        assert sensor.evaluate_tick(context).asset_events == []
