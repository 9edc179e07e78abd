"""`clearlift retention` as a person uses it, and what stands in the way of making pruned days again."""

from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from assets.apps.clearlift import APP
from assets.events import pruned
from assets.sessions.definition import BEFORE
from assets.windows import DAY
from clearlift_pipelines.setting_values import SESSIONS_REACH
from clearlift_pipelines.settings import SettingsError, load
from resources.lake import PartitionKey
from tests.clearlift_pipelines.cli.terminal import Terminal


def test_a_plan_says_what_would_go_and_a_run_deletes_it(terminal: Terminal) -> None:
    terminal.stores.migrate()
    terminal.stores.postgres.execute(
        "insert into attribution.click_days (app, org_id, account_id, day, asked_at, unknown)"
        " select 'clearlift', 'o', n::text, '2024-01-01', now(), '' from generate_series(1, 1500) as n"
    )
    wanted = ("--app", "clearlift", "--table", "attribution.click_days")
    said = terminal.good("retention", "plan", *wanted)
    assert "1,500" in said
    assert "--confirm" in said
    line = terminal.refused("retention", "run", *wanted)
    assert "1,500 of 1,500 rows would be deleted, 100% where at most 25% go without confirmation" in line
    assert terminal.stores.postgres.fetch("select count(*) as n from attribution.click_days") == [{"n": 1_500}]
    assert "1,500 rows deleted" in terminal.good("retention", "run", *wanted, "--confirm")
    assert "nothing that retention deletes" in terminal.refused("retention", "plan", "--table", "rollups.daily")


def test_a_damaged_archive_is_named_and_what_lies_in_it_stays(terminal: Terminal) -> None:
    terminal.stores.migrate()
    terminal.stores.postgres.execute(
        "insert into ads.restatements"
        " (app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency)"
        " select 'clearlift', 'o' || n % 2, 'google', '1', n::text, '2023-02-01', '2023-02-02', gen_random_uuid(),"
        " 'USD' from generate_series(1, 6) as n"
    )
    assert "2 buckets sealed" in terminal.good("archive", "run", "clearlift", "ads.restatements", "2023Q1")
    store = terminal.stores.object_store
    (part,) = [info.key for info in store.list("archive") if "/o1/part-" in info.key]
    store.put(part, store.get(part)[:-1] + b"?")
    for command in ("plan", "run"):
        said = terminal.clearlift("retention", command, "--table", "ads.restatements")
        assert said.code == 1
        assert f"damaged {part}: its bytes have another SHA-256" in said.out
        repair = "`clearlift archive repair clearlift ads.restatements 2023Q1`"
        assert said.err == f"Error: archives are damaged, nothing that lies in them was deleted. Next: {repair}\n"
    assert terminal.stores.postgres.fetch("select distinct org_id from ads.restatements") == [{"org_id": "o1"}]


def test_a_backfill_of_days_that_are_archived_only_is_refused_before_anything_is_made(terminal: Terminal) -> None:
    terminal.stores.migrate()
    with terminal.stores.postgres.connection() as connection:
        at = datetime(2026, 3, 1, tzinfo=UTC)
        rows = {PartitionKey("a3f7c2", date(2026, 1, 3)): 1}
        pruned.mark(connection, APP, "2026Q1", rows, commit_id=uuid4(), at=at)
    said = terminal.refused("backfill", "rollups", "--from", "2026-01-02", "--to", "2026-02-05")
    restore = "`clearlift archive restore clearlift events 2026Q1 --into live`"
    assert f"events of 2026-01-03 are archived. Next: {restore}" in said
    assert terminal.stores.postgres.fetch("select 1 from rollups.windows") == []


def test_late_data_reopens_no_day_whose_events_may_be_archived_only() -> None:
    assert BEFORE == SESSIONS_REACH * DAY
    assert load(late_days=88).late_days == 88
    with pytest.raises(SettingsError, match="CLEARLIFT_LATE_DAYS: 89 days are too many, 88 are the most"):
        load(late_days=89)
