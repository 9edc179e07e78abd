"""Rows of Postgres go when they are old enough and what their policy asks for is proved, and no others."""

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import uuid4

import pytest

from assets.apps import APPS
from assets.apps.clearlift import APP as CLEARLIFT
from assets.attribution.credit import Credits
from assets.retention import postgres_rule, postgres_sealed
from assets.retention.proof import DAMAGED, LATE, UNSEALED
from resources.sql_files import read_sql
from tests.assets.archive.archive_stores import NOW, QUARTER, ArchiveStores
from tests.assets.archive.operations import killed
from tests.assets.archive.test_kills import at_once
from tests.assets.retention.rolled_up_stores import RolledUpStores
from tests.assets.retention.test_kills import steps

DETAIL = ("sessions.daily", "attribution.conversions", "attribution.touches")


def test_every_entry_of_postgres_that_goes_has_one_way_to_go() -> None:
    going = [e for e in CLEARLIFT.lifecycles if e.store == "postgres" and e.delete_after_days is not None]
    assert len(going) == 13
    for entry in going:
        assert sum((bool(entry.deleted_by), entry.archive is not None, entry.rule is not None)) <= 1, entry.name
        assert entry.app_column, "only the rows of the app go"
    by_age = [e.name for e in going if not (e.deleted_by or e.archive or e.rule)]
    assert by_age == ["attribution.click_days"]


def test_every_rule_is_sql_that_names_the_app_and_asks_for_age() -> None:
    """Where apps share the tables: a database of one app's own holds rows of no other."""
    rules = {(e.store, e.rule) for app in APPS for e in app.lifecycles if e.rule}
    assert len(rules) > 8
    for store, rule in rules:
        for statement in filter(None, (rule.statement, rule.first)):
            text = read_sql(statement)
            assert ("%(app)s" in text) is (store == "postgres")
            assert "%(before)s" in text


@pytest.mark.parametrize("table", ["attribution.click_days", "ads.restatements", "cache.access_objects"])
def test_the_same_rows_of_another_app_stay_and_are_counted_nowhere(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores, table: str
) -> None:
    archive_stores.now = datetime(2028, 5, 1, tzinfo=UTC)
    column = "namespace" if table.startswith("cache.") else "app"
    click_days(archive_stores, 5)
    restated(archive_stores, 5)
    archive_stores.postgres.execute(
        "insert into cache.access_objects select 'clearlift', n::text, 1, 0, 1, 0, '2026-01-01'"
        " from generate_series(1, 5) n"
    )
    copied = {"ads.restatements": "id"}.get(table, "")
    (row,) = archive_stores.postgres.fetch(
        "select string_agg(quote_ident(attname), ', ') as names from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped and attname not in (%s, %s)",
        (table, column, copied),
    )
    names = row["names"]
    archive_stores.postgres.execute(f"insert into {table} ({column}, {names}) select 'other', {names} from {table}")
    other = f"select * from {table} where {column} = 'other' order by 1, 2, 3"
    before = archive_stores.postgres.fetch(other)
    if table == "ads.restatements":
        assert archive_stores.archive(table=table).rows == 5

    done = rolled_up_stores.prune_entry(table)

    assert (done.total, done.going, done.deleted) == (5, 5, 5)
    assert archive_stores.postgres.fetch(other) == before
    assert len(before) == rolled_up_stores.rows(table) == 5
    assert {row["app"] for row in rolled_up_stores.deletions()} == {"clearlift"}


def test_lines_of_quarantine_go_by_their_runs_age(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    for days in (179, 180, 181, 400):
        run = uuid4()
        archive_stores.postgres.execute(
            "insert into ingest.runs (app, ingest_id, state, started_at) values ('clearlift', %s, 'prepared', %s)",
            (run, NOW - timedelta(days=days)),
        )
        archive_stores.postgres.execute(
            "insert into ingest.quarantine (app, sha256, line, object_key, reason, field, ingest_id)"
            " values ('clearlift', %s, 1, 'key', 'reason', 'field', %s)",
            (f"{days}", run),
        )
    # Ages are whole days: what is 180 days and two hours old was written on the day that goes tomorrow.
    assert rolled_up_stores.prune_entry("ingest.quarantine", dry_run=True).going == 2
    assert rolled_up_stores.rows("ingest.quarantine") == 4
    assert rolled_up_stores.prune_entry("ingest.quarantine").deleted == 2
    assert [r["sha256"] for r in archive_stores.postgres.fetch("select * from ingest.quarantine order by sha256")] == [
        "179",
        "180",
    ]
    (noted,) = rolled_up_stores.deletions()
    assert (noted["rows"], noted["place"], noted["why"]) == (2, "before 2026-01-02", "old enough")


def test_slices_and_runs_of_syncs_go_once_they_have_ended(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    old = NOW - timedelta(days=500)
    runs = {status: uuid4() for status in ("success", "running", "error")}
    for status, run in runs.items():
        archive_stores.postgres.execute(
            "insert into ads.sync_runs (app, id, connection_id, org_id, platform, account_id, mode, started_at, status)"
            " values ('clearlift', %s, 'c', 'o', 'google', 'a', 'recent', %s, %s)",
            (run, old, status),
        )
        for state in ("merged", "open") if status == "error" else ("merged",):
            archive_stores.postgres.execute(
                "insert into ads.sync_slices (app, id, run_id, connection_id, org_id, platform, account_id, stream,"
                " observed_at, state, raw_prefix)"
                " values ('clearlift', %s, %s, 'c', 'o', 'google', 'a', 's', %s, %s, '')",
                (uuid4(), run, old, state),
            )
    slices, again = rolled_up_stores.prune_entry("ads.sync_slices"), rolled_up_stores.prune_entry("ads.sync_runs")
    assert (slices.deleted, slices.held_rows, again.deleted, again.held_rows) == (2, 2, 1, 2)
    assert {row["status"] for row in archive_stores.postgres.fetch("select status from ads.sync_runs")} == {
        "running",
        "error",
    }


def test_a_counted_log_is_known_until_its_object_is_gone(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    old = NOW - timedelta(days=30)
    for name in ("access/clearlift/a", "access/clearlift/b"):
        archive_stores.postgres.execute(
            "insert into cache.access_objects values ('clearlift', %s, 1, 0, 1, 0, %s)", (name, old)
        )
    archive_stores.postgres.execute(
        "insert into cache.access_refusals values ('clearlift', 'access/clearlift/a', 1, 'bad')"
    )
    archive_stores.store.put("access/clearlift/b", b"")
    done = rolled_up_stores.prune_entry("cache.access_objects")
    assert (done.deleted, rolled_up_stores.why(done)) == (1, {"the object is still there": 1})
    assert rolled_up_stores.rows("cache.access_refusals") == 0


def test_details_of_days_go_once_they_agree_and_their_totals_stay(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    happened(rolled_up_stores, archive_stores)
    kept = rolled_up_stores.aggregates()["attribution.credits"]
    archive_stores.now = datetime(2027, 6, 1, tzinfo=UTC)
    for name in DETAIL:
        assert rolled_up_stores.prune_entry(name, dry_run=True).deleted == 0
        done = rolled_up_stores.prune_entry(name)
        assert (done.deleted > 0, done.held_back) == (True, []), name
        assert rolled_up_stores.rows(name) == 0
    # A request for those days finds their credits as they are.
    archive_stores.postgres.execute("update attribution.windows set changed = changed + 1")
    assert Credits.of(archive_stores.rooms, CLEARLIFT).run(QUARTER.window).days == 0
    assert rolled_up_stores.aggregates()["attribution.credits"] == kept


@pytest.mark.parametrize("name", DETAIL[:2])
def test_a_day_whose_details_do_not_agree_stays(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores, name: str
) -> None:
    happened(rolled_up_stores, archive_stores)
    archive_stores.now = datetime(2027, 6, 1, tzinfo=UTC)
    archive_stores.postgres.execute(f"delete from {name} where ctid in (select min(ctid) from {name})")
    before = rolled_up_stores.rows(name)
    done = rolled_up_stores.prune_entry(name)
    assert done.held_rows + done.deleted == before
    assert done.held_rows == rolled_up_stores.rows(name) > 0


def test_touches_stay_while_a_conversion_may_be_credited_to_them(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    happened(rolled_up_stores, archive_stores)
    before = rolled_up_stores.rows("attribution.touches")
    # The 6th is 401 days old, the 8th is not: conversions of the 8th need touches of the 6th.
    archive_stores.now = datetime(2027, 2, 12, tzinfo=UTC)
    rolled_up_stores.prune_entry("attribution.conversions")
    done = rolled_up_stores.prune_entry("attribution.touches")
    assert (done.deleted, rolled_up_stores.rows("attribution.touches")) == (0, before)
    assert done.held_rows > 0


def test_days_without_a_conversion_are_proved_too_so_that_their_touches_go(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    happened(rolled_up_stores, archive_stores)
    archive_stores.postgres.execute(
        "delete from attribution.conversions; update attribution.windows set conversions = 0"
    )
    archive_stores.now = datetime(2027, 6, 1, tzinfo=UTC)
    assert rolled_up_stores.prune_entry("attribution.conversions").deleted == 0
    done = rolled_up_stores.prune_entry("attribution.touches")
    assert (done.deleted > 0, done.held_back) == (True, [])


def test_a_batch_leaves_out_what_another_holds_and_takes_it_the_next_time(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    click_days(archive_stores, 10)
    with archive_stores.postgres.connection(held=True) as other:
        other.execute("select from attribution.click_days where account_id = '3' for update")
        with patch.object(postgres_rule, "BATCH_ROWS", 4):
            assert rolled_up_stores.prune_entry("attribution.click_days").deleted == 9
        other.execute("update attribution.click_days set day = '2026-06-30' where account_id = '3'")
    done = rolled_up_stores.prune_entry("attribution.click_days")
    assert (done.total, done.deleted) == (1, 0)


def test_a_large_share_stops_before_anything_goes(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    click_days(archive_stores, 1_000)
    done = rolled_up_stores.prune_entry("attribution.click_days")
    assert "1,000 of 1,000 rows would be deleted, 100% where at most 25% go without confirmation" in str(done.stopped)
    assert (done.deleted, rolled_up_stores.rows("attribution.click_days"), rolled_up_stores.deletions()) == (
        0,
        1_000,
        [],
    )


def test_killed_at_each_step_it_counts_every_row_once(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    number, went = 0, 0
    while True:
        click_days(archive_stores, 9)
        went += 9
        number += 1
        with steps(), patch.object(postgres_rule, "BATCH_ROWS", 4):
            operation = killed(lambda: rolled_up_stores.prune_entry("attribution.click_days"), number)
        rolled_up_stores.prune_entry("attribution.click_days")
        assert rolled_up_stores.rows("attribution.click_days") == 0
        assert sum(row["rows"] for row in rolled_up_stores.deletions()) == went
        if operation is None:
            break
    assert number > 5


def test_archived_rows_go_and_come_back_exactly(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    archive_stores.now = datetime(2028, 5, 1, tzinfo=UTC)
    restated(archive_stores, 30)
    before = table(archive_stores)
    archive_stores.archive(table="ads.restatements")
    assert rolled_up_stores.prune_entry("ads.restatements", dry_run=True).going == 30

    done = rolled_up_stores.prune_entry("ads.restatements")

    assert (done.deleted, done.held_back, rolled_up_stores.rows("ads.restatements")) == (30, [], 0)
    assert archive_stores.restore(table="ads.restatements", into="live").added == 30
    assert table(archive_stores) == before


def test_rows_that_are_not_archived_as_they_are_stay(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    restated(archive_stores, 6)
    archive_stores.now = datetime(2028, 5, 1, tzinfo=UTC)
    assert rolled_up_stores.why(rolled_up_stores.prune_entry("ads.restatements")) == {UNSEALED: 6}
    archive_stores.archive(table="ads.restatements")
    archive_stores.postgres.execute("update ads.restatements set clicks_after = 7 where id = 2")
    restated(archive_stores, 1)
    done = rolled_up_stores.prune_entry("ads.restatements")
    assert (done.deleted, rolled_up_stores.why(done)) == (5, {LATE: 2})
    archive_stores.archive(table="ads.restatements")
    key = archive_stores.parts()[0]
    kept = archive_stores.store.get(key)
    archive_stores.store.put(key, kept[:-1])
    damaged = rolled_up_stores.prune_entry("ads.restatements")
    assert (damaged.deleted, rolled_up_stores.why(damaged)) == (1, {DAMAGED: 1})
    assert damaged.faults[0].startswith(key)
    archive_stores.store.put(key, kept)
    assert rolled_up_stores.prune_entry("ads.restatements").deleted == 1


def test_a_row_that_changes_while_others_are_compared_is_archived_first(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    archive_stores.now = datetime(2028, 5, 1, tzinfo=UTC)
    restated(archive_stores, 3)
    archive_stores.archive(table="ads.restatements")
    done: list[Any] = []
    with archive_stores.postgres.connection(held=True) as other:
        other.execute("update ads.restatements set clicks_after = 99 where id = 2")
        thread = threading.Thread(target=lambda: done.append(rolled_up_stores.prune_entry("ads.restatements")))
        thread.start()
        waits = "select from pg_locks where not granted and transactionid = pg_current_xact_id()::xid"
        while thread.is_alive() and not other.execute(waits).fetchall():
            time.sleep(0.01)
    thread.join()
    assert (done[0].going, done[0].deleted) == (3, 2)
    assert [row["clicks_after"] for row in archive_stores.postgres.fetch("select * from ads.restatements")] == [99]


def test_archived_rows_killed_at_each_step_or_taken_by_two_go_once(
    rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores
) -> None:
    archive_stores.now = datetime(2028, 5, 1, tzinfo=UTC)
    restated(archive_stores, 9)
    archive_stores.archive(table="ads.restatements")
    before = table(archive_stores)
    number = went = 0
    while True:
        number += 1
        with steps(), patch.object(postgres_sealed, "BATCH_ROWS", 4):
            operation = killed(lambda: rolled_up_stores.prune_entry("ads.restatements"), number)
        if rolled_up_stores.rows("ads.restatements") == 9:
            assert operation is not None
            continue
        if operation is not None:
            at_once(*[lambda: rolled_up_stores.prune_entry("ads.restatements")] * 2)
        went += 9
        assert rolled_up_stores.rows("ads.restatements") == 0
        assert sum(row["rows"] for row in rolled_up_stores.deletions()) == went
        archive_stores.restore(table="ads.restatements", into="live")
        assert table(archive_stores) == before
        if operation is None:
            break
    assert went > 9


def happened(rolled_up_stores: RolledUpStores, archive_stores: ArchiveStores) -> None:
    """Three days of visits by a click, and conversions, counted."""
    for day in (5, 6, 8):
        archive_stores.happen(2, "a3f7c2", day, utm_campaign="c1", event_type="page_view")
        archive_stores.happen(2, "a3f7c2", day, event_type="conversion", event_value=2.0)
    rolled_up_stores.count()
    assert all(rolled_up_stores.rows(name) for name in DETAIL)


def click_days(archive_stores: ArchiveStores, number: int) -> None:
    archive_stores.postgres.execute(
        "insert into attribution.click_days (app, org_id, account_id, day, asked_at, unknown)"
        " select 'clearlift', 'o', n::text, '2025-01-01', now(), '' from generate_series(1, %s) as n",
        (number,),
    )


def restated(archive_stores: ArchiveStores, number: int) -> None:
    archive_stores.postgres.execute(
        "insert into ads.restatements (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id,"
        " currency, clicks_after, spend_before, spend_after)"
        " select 'clearlift', 'o' || n %% 2, 'google', 'ä', 'c', '2026-01-01',"
        " timestamptz '2026-01-01 00:00:00.000001Z' + n * interval '1 hour', gen_random_uuid(), 'EUR',"
        " 9007199254740993, null, 1.100000 from generate_series(1, %s) as n",
        (number,),
    )


def table(archive_stores: ArchiveStores) -> list[Any]:
    return archive_stores.postgres.fetch("select * from ads.restatements order by id")
