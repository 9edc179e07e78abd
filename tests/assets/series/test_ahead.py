"""Making partitions: killed at any call, two at once, tables that are there already, and what the check finds."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets.apps.sesh_series import SERIES, SESSIONS
from assets.series import ahead, audit, registry
from resources import migrations
from resources.d1 import D1Error, EmbeddedD1
from resources.migrations import MigrationError
from tests.assets.series.partitioned_d1 import NOW, SINCE, KilledError, Mortal, clock, partitioned, record, rows
from tests.sql.sesh.database import migrated, put


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_and_run_again_it_ends_the_same(tmp_path: Path, after: bool) -> None:
    at = 0
    while True:
        at += 1
        d1 = migrated(tmp_path / f"{at}.sqlite")
        mortal = Mortal(d1, at, after=after)
        try:
            ahead.make(mortal, SESSIONS, clock, SINCE)
        except KilledError:
            ahead.make(d1, SESSIONS, clock, SINCE)
        assert audit.faults(d1, SESSIONS) == []
        assert len(registry.load(d1, SESSIONS).answering) == 17
        assert audit.has_next_month(d1, SESSIONS, NOW)
        d1.close()
        if mortal.calls < at:
            break
    assert at == 3


def test_several_at_once_make_each_month_once(tmp_path: Path) -> None:
    migrated(tmp_path / "sesh.sqlite").close()
    made: list[str] = []

    def making() -> None:
        d1 = EmbeddedD1(tmp_path / "sesh.sqlite")
        made.extend(p.name for p in ahead.make(d1, SESSIONS, clock, SINCE))
        d1.close()

    threads = [threading.Thread(target=making) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(set(made)) == 17


def test_a_table_that_is_there_is_taken_with_its_rows(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite", families=[SESSIONS])
    record(d1, "s1", NOW)
    before = rows(d1, SESSIONS)
    d1.execute("delete from partitions")
    faults = audit.faults(d1, SESSIONS)
    assert "sessions_2026_11 is a table and no partition" in faults
    ahead.make(d1, SESSIONS, clock, SINCE)
    assert rows(d1, SESSIONS) == before
    assert audit.faults(d1, SESSIONS) == []
    d1.close()


def test_the_check_names_what_does_not_agree(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite", families=[SESSIONS])
    d1.execute("drop table sessions_2026_03")
    d1.execute("drop view sessions")
    d1.execute("create view sessions as select * from sessions_2026_11")
    d1.execute("update partitions set endsAt = '2026-05-30T00:00:00.000Z' where name = 'sessions_2026_05'")
    assert audit.faults(d1, SESSIONS) == [
        "sessions_2026_03 is a partition and no table",
        "the view sessions is not over the partitions",
        "sessions_2026_06 does not begin where sessions_2026_05 ends",
    ]
    assert not audit.has_next_month(d1, SESSIONS, datetime(2026, 12, 1, tzinfo=UTC))
    d1.close()


def test_a_session_fits_only_the_month_it_began_in(tmp_path: Path) -> None:
    d1 = migrated(tmp_path / "sesh.sqlite")
    put(d1, "users", id="u1")
    ahead.make(d1, SESSIONS, clock)
    for timestamp in ("2026-12-01T00:00:00.000Z", "2026-10-31T23:59:59.999Z", "2026-11-05T00:00:00Z"):
        with pytest.raises(D1Error, match="CHECK"):
            d1.execute("insert into sessions_2026_11 (id, userId, timestamp) values ('s', 'u1', ?)", [timestamp])
    with pytest.raises(D1Error, match="FOREIGN KEY"):
        record(d1, "s", NOW, "u2")
    assert d1.query("select * from stale_metrics") == []
    d1.close()


def test_the_schema_does_not_go_below_partitions_that_hold_rows(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite")
    record(d1, "s1", NOW)
    d1.execute("delete from stale_metrics")
    before = rows(d1, SESSIONS)
    ledger = migrations.D1AppliedMigrations(d1, "sesh-d1")
    for to in range(4):
        with pytest.raises(MigrationError, match="cannot be taken back"):
            migrations.down(ledger, "sesh/d1", to=to)
    assert {status.state for status in migrations.status(ledger, "sesh/d1")} == {"applied"}
    names = ["005_product_unit", "006_pruned_sessions", "007_refused_values", "008_sealing"]
    assert migrations.down(ledger, "sesh/d1", to=4) == names[::-1]
    assert migrations.up(ledger, "sesh/d1") == names
    assert [fault for series in SERIES for fault in audit.faults(d1, series)] == []
    assert rows(d1, SESSIONS) == before
    d1.close()


def test_a_registry_that_was_lost_is_made_again_of_the_tables_that_are_there(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite")
    record(d1, "s1", NOW)
    before = rows(d1, SESSIONS)
    d1.execute("delete from partitions")
    for series in SERIES:
        d1.execute(f"drop view {series.name}")
        ahead.make(d1, series, clock, SINCE)
        assert audit.faults(d1, series) == []
    assert rows(d1, SESSIONS) == before
    d1.close()
