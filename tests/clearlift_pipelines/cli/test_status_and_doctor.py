"""`clearlift status`, `doctor` and `migrate`: how things stand, and what is said when they do not."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from assets.rollups.follow import follow
from assets.windows import DAY, HOUR, midnight
from clearlift_pipelines.stores import utc_now
from resources import sql_files
from resources.migrations.plan import load
from tests.assets.event_pipeline import line
from tests.assets.rollups.event_lake import EventLake, event
from tests.clearlift_pipelines.cli.terminal import Terminal

POSTGRES = [str(migration) for migration in load("pipelines/postgres")]


def assets_of(said: str) -> dict[str, str]:
    return {row.split()[0]: row for row in said.splitlines() if row.strip().startswith("clearlift/")}


def test_status_shows_what_was_never_made_and_what_is_missing(terminal: Terminal) -> None:
    # Into a pipe every row is one line, however narrow the terminal is.
    terminal.monkeypatch.setenv("COLUMNS", "80")
    terminal.stores.migrate()
    event_lake = EventLake(terminal.stores)
    first = midnight((utc_now() - timedelta(days=60)).date())
    event_lake.append(event(timestamp=first + 3 * HOUR), event(timestamp=first + DAY + 3 * HOUR))
    rows = assets_of(terminal.good("status"))
    assert "1 commits not followed by the roll-ups: clearlift run" in rows["clearlift/rollups/hourly"]
    follow(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock)
    (terminal.folder / "one.ndjson").write_bytes(line(1))
    terminal.good("land", "one.ndjson")
    said = terminal.good("status")
    assert "not followed" not in said
    rows = assets_of(said)
    assert len(rows) >= 8
    assert "never" in rows["clearlift/events/ingested"]
    assert "1 landed batches" in rows["clearlift/events/ingested"]
    backfill = f"clearlift backfill rollups --from {first:%Y-%m-%d}"
    too_old = f"2 late events in 2 days are too old to be rolled up automatically: {backfill}"
    assert too_old in rows["clearlift/rollups/hourly"]
    assert too_old in rows["clearlift/rollups/daily"]

    terminal.monkeypatch.setenv("CLEARLIFT_LATE_DAYS", "88")
    for hour in (4, 5):
        event_lake.append(event(timestamp=first + hour * HOUR))
    rows = assets_of(terminal.good("status"))
    for grain in ("hourly", "daily"):
        assert "2 commits not followed by the roll-ups: clearlift run" in rows[f"clearlift/rollups/{grain}"]
    assert f"2 changed hours from {first:%Y-%m-%d} 03:00: clearlift run" in rows["clearlift/rollups/hourly"]
    assert f"2 changed days from {first:%Y-%m-%d}" in rows["clearlift/rollups/daily"]


def test_doctor_says_a_line_a_store_and_its_exit_code_says_whether_all_is_well(terminal: Terminal) -> None:
    bad = terminal.clearlift("doctor")
    assert bad.code == 1
    pending = ", ".join(f"{name} pending" for name in POSTGRES)
    assert f"bad  postgres schema  {pending}: clearlift migrate up" in bad.out
    assert "clearlift.events is missing: clearlift migrate up makes it" in bad.out

    terminal.stores.migrate()
    well = terminal.good("doctor").splitlines()
    assert [row.split()[0] for row in well] == ["ok"] * len(well)
    names = (
        *("postgres", "object store", "clearlift-lake", "clearlift-d1 schema", "sesh-d1 schema", "postgres schema"),
        *("clearlift-kv", "sesh-kv"),
    )
    assert all(row[5:].startswith(f"{name} ") for name, row in zip(names, well, strict=True)), well
    assert [info.key for info in terminal.stores.object_store.list("doctor")] == []


def test_doctor_finds_a_store_that_does_not_answer_and_keeps_its_password(terminal: Terminal) -> None:
    terminal.monkeypatch.setenv("CLEARLIFT_POSTGRES_DSN", "postgresql://me:hush@127.0.0.1:1/x?connect_timeout=2")
    said = terminal.clearlift("doctor")
    assert said.code == 1
    assert "bad  postgres         Postgres at 127.0.0.1:1/x: no connection" in said.out
    assert "ok   object store" in said.out
    assert "clearlift-lake" not in said.out
    assert "postgres schema" not in said.out
    assert "pool" not in said.out + said.err
    assert "hush" not in said.out + said.err


def test_migrations_go_up_and_with_confirmation_down(terminal: Terminal) -> None:
    assert "postgres         001 ingest                   pending" in terminal.good("migrate", "status")
    assert terminal.good("migrate", "up", "postgres", "--to", "2") == "postgres: 001_ingest, 002_rollups\n"
    assert "clearlift-d1: 001_initial" in terminal.good("migrate", "up")
    rest = ", ".join(reversed(POSTGRES[1:]))
    steps = str(len(POSTGRES) - 1)
    assert terminal.good("migrate", "up", "postgres") == "postgres: nothing to apply\n"
    said = terminal.good("migrate", "down", "postgres", "--steps", steps)
    assert said.startswith(f"postgres: would take back {rest}\n")
    assert terminal.stores.postgres.fetch("select count(*) as n from cache.entries") == [{"n": 0}]
    assert (
        terminal.good("migrate", "down", "postgres", "--steps", steps, "--confirm") == f"postgres: took back {rest}\n"
    )
    assert "would take back 001_ingest" in terminal.good("migrate", "down", "postgres", "--to", "0")
    assert "002 rollups                  pending" in terminal.good("migrate", "status", "postgres")


def test_migrate_refuses_what_it_does_not_know(terminal: Terminal) -> None:
    assert "mongo is no store with migrations; known are clearlift-d1, sesh-d1, postgres" in terminal.refused(
        "migrate", "up", "mongo"
    )
    assert terminal.clearlift("migrate", "down").code == 2
    assert terminal.clearlift("migrate", "sideways").code == 2
    for steps in ("0", "-1"):
        assert terminal.clearlift("migrate", "down", "postgres", "--steps", steps).code == 2


def test_a_file_that_is_gone_or_another_is_reported_with_what_to_do(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    terminal.stores.migrate()
    shutil.copytree(sql_files.ROOT, tmp_path / "sql")
    monkeypatch.setattr(sql_files, "ROOT", tmp_path / "sql")
    folder = tmp_path / "sql" / "pipelines" / "postgres"
    with (folder / f"{POSTGRES[0]}.up.sql").open("a") as script:
        script.write("-- a later thought")
    edited = f"{POSTGRES[0]} was applied and its file is another now; restore it and add a new migration"
    said = terminal.clearlift("doctor")
    assert f"bad  postgres schema  sql/pipelines/postgres: {edited}\n" in said.out
    assert edited in terminal.refused("run", "--no-sample")

    (folder / f"{POSTGRES[0]}.up.sql").unlink()
    missing = "was applied and its up or down file is missing; restore it"
    assert f"{POSTGRES[0]} {missing}" in terminal.clearlift("doctor").out
    listed = terminal.good("migrate", "status", "postgres").splitlines()
    assert [row.split()[3] for row in listed] == ["missing"] + ["applied"] * (len(POSTGRES) - 1)
    assert f"{POSTGRES[0]}.up.sql is missing; restore it" in terminal.refused("migrate", "up")
