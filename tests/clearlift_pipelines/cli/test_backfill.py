"""`clearlift backfill rollups`: a range made again, of all or of one organisation; what cannot be is refused."""

from datetime import timedelta
from itertools import pairwise

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.rollups import range_counts
from assets.windows import DAY, Window, midnight
from clearlift_pipelines.cli.backfill import _chunks
from clearlift_pipelines.stores import Stores, utc_now
from sandbox import sample_stores
from tests.assets.rollups.event_lake import EventLake, at, event
from tests.clearlift_pipelines.cli.terminal import Terminal


def test_a_range_is_made_again_for_one_organisation_or_for_all(terminal: Terminal) -> None:
    terminal.stores.migrate()
    event_lake = EventLake(terminal.stores)
    event_lake.append(
        *(event(timestamp=at(day, 5), org_tag=org) for day in range(1, 5) for org in ("a3f7c2", "b8e9d1"))
    )

    terminal.good("backfill", "rollups", "--from", "2026-03-02", "--to", "2026-03-04")
    rows = event_lake.rows()
    assert [row[1] for row in rows["rollups.hourly_totals"]] == [at(day, 5) for day in range(2, 4)] * 2
    assert len(rows["rollups.daily_totals"]) == 4

    event_lake.postgres.execute(
        "update rollups.hourly_totals set events = 9; update rollups.daily_totals set events = 9"
    )
    terminal.good("backfill", "rollups", "--from", "2026-03-03", "--to", "2026-03-04", "--org", "a3f7c2")
    for table in ("hourly", "daily"):
        counted = event_lake.postgres.fetch(f"select count(*) as n from rollups.{table}_totals where events = 1")
        assert counted == [{"n": 1}]

    terminal.good("backfill", "rollups", "--from", "2026-03-02T05", "--to", "2026-03-02T06")
    assert event_lake.postgres.fetch("select count(*) as n from rollups.hourly_totals where events = 1") == [{"n": 3}]


class Counting:
    """R2 SQL that counts so many events of an organisation."""

    def __init__(self, events: int) -> None:
        self.events = events

    def aggregate(self, *_: object, **__: object) -> list[dict[str, object]]:
        return [{"org_tag": "a3f7c2", "events": self.events}]


def test_where_basin_sql_is_set_a_range_ends_with_its_counts(terminal: Terminal) -> None:
    terminal.stores.migrate()
    event_lake = EventLake(terminal.stores)
    event_lake.append(event(timestamp=at(2, 5)))
    of_day = ("backfill", "rollups", "--from", "2026-03-02", "--to", "2026-03-03")
    terminal.monkeypatch.setattr(Stores, "r2_sql_counts", Counting(1))
    assert "1 event in the lake by Basin SQL, 1 in roll-ups" in terminal.good(*of_day)
    # What it says else is looked up in the files before it is believed.
    terminal.monkeypatch.setattr(Stores, "r2_sql_counts", Counting(2))
    assert "2 events in the lake by Basin SQL, 1 in roll-ups" in terminal.good(*of_day)
    terminal.monkeypatch.setattr(range_counts, "_from_files", lambda *_: {"a3f7c2": 2})
    assert "different: a3f7c2 (2 and 1)" in terminal.refused(*of_day)


def test_today_is_made_up_to_the_hour_in_progress(terminal: Terminal) -> None:
    terminal.stores.migrate()
    event_lake = EventLake(terminal.stores)
    event_lake.append(event(timestamp=utc_now()))
    today = utc_now().date()
    terminal.good("backfill", "rollups", "--from", f"{today}", "--to", f"{today + timedelta(days=1)}")
    assert len(event_lake.rows()["rollups.daily_totals"]) == 1
    assert len(event_lake.rows()["rollups.hourly_totals"]) == 1


@pytest.mark.parametrize(
    ("first", "end", "why"),
    [
        (
            "2025-09-30",
            "2025-10-02",
            "lies before the first partition. Next: name a day from 2025-10-01 on",
        ),
        ("2026-03-02", "2999-01-01", "--to lies in the future"),
    ],
)
def test_ranges_that_cannot_be_made_are_refused(terminal: Terminal, first: str, end: str, why: str) -> None:
    assert why in terminal.refused("backfill", "rollups", "--from", first, "--to", end)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["rollups", "--from", "2026-03-02", "--to", "2026-03-02"], "--to must lie after --from"),
        (["attribution", "--from", "2026-03-03", "--to", "2026-03-02"], "--to must lie after --from"),
        (["ads", "--platform", "google"], "--from and --to are needed"),
        (["ads", "--platform", "google", "--replay"], "--replay takes --connection"),
    ],
)
def test_ranges_that_are_none_are_a_wrong_command_line(terminal: Terminal, arguments: list[str], why: str) -> None:
    said = terminal.clearlift("backfill", *arguments)
    assert said.code == 2
    assert why in said.err


def test_ads_of_the_sample_come_from_its_sandbox_and_failures_are_named(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, postgres_dsn: str
) -> None:
    monkeypatch.delenv("CLEARLIFT_POSTGRES_DSN")
    monkeypatch.setattr("clearlift_pipelines.stores.SharedServer.dsn", lambda _: postgres_dsn)
    stores = terminal.stores
    stores.migrate()
    d1 = stores.d1(CLEARLIFT)
    sample_stores.fill_d1(d1)
    with sample_stores.sandbox(stores.object_store, utc_now):
        pass
    today = utc_now().date()
    command = ("backfill", "ads", "--platform", "google", "--from", f"{today - timedelta(days=1)}", "--to", f"{today}")
    terminal.good(*command)
    days = stores.postgres.fetch("select count(distinct account_id) as accounts from ads.campaign_metrics_daily")
    accounts = days[0]["accounts"]
    assert accounts > 1

    broken = "update platform_connections set settings_encrypted = 'broken' where platform = 'google'"
    d1.execute(
        f"{broken} and account_id = (select min(account_id) from platform_connections where platform = 'google')"
    )
    assert terminal.refused(*command).startswith(f"Error: 1 of {accounts} Google Ads connections failed: org-")
    d1.execute(broken)
    said = terminal.refused(*command)
    assert said.startswith(f"Error: {accounts} of {accounts} Google Ads connections failed: org-")


def test_an_unknown_organisation_is_refused(terminal: Terminal) -> None:
    terminal.stores.migrate()
    for command in (["backfill", "rollups", "--from", "2026-03-02", "--to", "2026-03-03"], ["compact"]):
        said = terminal.clearlift(*command, "--org", "nosuch")
        assert said.code == 2
        assert "no organisation has the tag 'nosuch'" in said.err
    assert terminal.good("compact") == "groups compacted             0/0\nNothing is worth merging.\n"


def test_a_wrong_date_is_a_wrong_command_line(terminal: Terminal) -> None:
    said = terminal.clearlift("backfill", "rollups", "--from", "yesterday", "--to", "2026-03-02")
    assert said.code == 2
    assert "yesterday" in said.err


def test_a_long_range_is_made_a_week_at_a_time() -> None:
    window = Window(at(1, 7), at(30, 3))
    chunks = list(_chunks(window))
    assert chunks[0].start == window.start
    assert chunks[-1].end == window.end
    assert all(a.end == b.start == midnight(b.start.date()) for a, b in pairwise(chunks))
    assert all(chunk.end - chunk.start <= 7 * DAY for chunk in chunks)
