"""`clearlift status`, `doctor` and `migrate`: how things stand, and what is said when they do not."""

import json
import os
import re
import shutil
import signal
from datetime import timedelta
from pathlib import Path

import pytest

from assets.apps import APPS
from assets.apps.growth import APP as GROWTH
from assets.growth.pending import PendingEvents
from assets.rollups.follow import follow
from assets.windows import DAY, HOUR, midnight
from clearlift_pipelines.stores import utc_now
from resources import sql_files
from resources.keyring import fingerprint
from resources.keyring import load as load_keys
from resources.migrations.plan import load
from tests.assets.event_pipeline import line
from tests.assets.rollups.event_lake import EventLake, event
from tests.clearlift_pipelines.cli import intake
from tests.clearlift_pipelines.cli.terminal import Terminal

POSTGRES = [str(migration) for migration in load("pipelines/postgres")]


def assets_of(said: str, app: str = "clearlift") -> dict[str, str]:
    return {row.split()[0]: row for row in said.splitlines() if row.strip().startswith(f"{app}/")}


def test_status_shows_which_events_of_an_own_postgres_are_not_counted(terminal: Terminal) -> None:
    terminal.monkeypatch.setenv("COLUMNS", "80")
    terminal.stores.migrate()
    (app,) = (app for app in APPS if app.growth is not None)
    own = terminal.stores.app_postgres(app)
    own.execute("truncate analytics.events, pipelines.pending_events, pipelines.stale_windows")
    day = midnight((utc_now() - timedelta(days=2)).date())
    own.execute(
        "insert into analytics.events (type, name, created_at) select 'form', 'f', %s from generate_series(1, 3)",
        (day,),
    )
    assert assets_of(terminal.good("status"), app.name)["growth/analytics/pending"].endswith("3 events: clearlift run")
    assert app.growth is not None
    PendingEvents.of(terminal.stores, app, app.growth).run()
    rows = assets_of(terminal.good("status"), app.name)
    assert "clearlift run" not in rows["growth/analytics/pending"]
    at = f"from {day:%Y-%m-%d %H:%M}: clearlift run"
    assert rows["growth/analytics/aggregations"].endswith(f"2 changed windows {at}")
    assert rows["growth/analytics/metrics"].endswith(f"1 changed window {at}")


def bad_line(said: str, name: str) -> str:
    """What doctor says of a store that is not well; names are padded to the longest."""
    found = re.search(rf"^bad  {re.escape(name)} +(?!schema )(?:(?:embedded|real) +)?(.*)$", said, re.MULTILINE)
    assert found is not None, said
    return found[1]


def test_status_shows_what_was_never_made_and_what_is_missing(terminal: Terminal) -> None:
    # Into a pipe every row is one line, however narrow the terminal is.
    terminal.monkeypatch.setenv("COLUMNS", "80")
    terminal.stores.migrate()
    event_lake = EventLake(terminal.stores)
    first = midnight((utc_now() - timedelta(days=60)).date())
    event_lake.append(event(timestamp=first + 3 * HOUR), event(timestamp=first + DAY + 3 * HOUR))
    rows = assets_of(terminal.good("status"))
    assert "1 commit not followed by the roll-ups: clearlift run" in rows["clearlift/rollups/hourly"]
    follow(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock)
    (terminal.folder / "one.ndjson").write_bytes(line(1))
    terminal.good("land", "one.ndjson")
    ended = terminal.clearlift("status")
    assert ended.code == 1
    said = ended.out
    assert "not followed" not in said
    assert said.splitlines()[-1].startswith("critical clearlift/events_in_no_rollup: days from ")
    backfill = f"clearlift backfill rollups --app clearlift --from {first:%Y-%m-%d} --to {first + 2 * DAY:%Y-%m-%d}"
    assert said.splitlines()[-1].endswith(f"Next: {backfill}")
    rows = assets_of(said)
    assert len(rows) >= 8
    ended = terminal.clearlift("status", "--json")
    assert ended.code == 1
    told = json.loads(ended.out)
    (found,) = (one for one in told["findings"] if one["what"].startswith("clearlift/events_in_no_rollup: "))
    assert (found["severity"], found["next"]) == ("critical", backfill)
    (ingested,) = (one for one in told["assets"] if one["asset"] == "clearlift/events/ingested")
    assert ingested == {**ingested, "last_success": None, "minutes": None, "waits": "1 landed batch"}
    assert "never" in rows["clearlift/events/ingested"]
    assert rows["clearlift/events/ingested"].endswith("1 landed batch")
    backfill = f"clearlift backfill rollups --from {first:%Y-%m-%d}"
    too_old = f"2 late events in 2 days, too old to be rolled up automatically: {backfill}"
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


def test_status_of_stores_in_which_nothing_ever_ran_is_not_green(terminal: Terminal) -> None:
    terminal.stores.migrate()
    said = terminal.good("status")
    assert said.splitlines()[-1].startswith("Nothing ran yet, and nothing was due. Next: clearlift ui")
    assert "Nothing is wrong" not in said
    terminal.stores.postgres.execute("update pipelines.migrations set applied_at = now() - interval '2 days'")
    ended = terminal.clearlift("status")
    assert ended.code == 1
    (line_,) = (line for line in ended.out.splitlines() if line.startswith("critical"))
    assert line_.startswith("critical pipelines/never_ran: schedules (since ")
    assert line_.endswith("Next: clearlift ui")


def test_status_is_watched_until_a_signal(terminal: Terminal) -> None:
    terminal.stores.migrate()
    pauses: list[float] = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            os.kill(os.getpid(), signal.SIGINT)

    terminal.monkeypatch.setattr("clearlift_pipelines.cli.status.time.sleep", pause)
    said = terminal.clearlift("status", "--watch", "5")
    assert (said.code, pauses) == (130, [5, 5])
    assert said.out.count("clearlift/events/ingested ") == 2
    assert "again every 5 s" in said.out


def test_doctor_says_a_line_a_store_and_its_exit_code_says_whether_all_is_well(terminal: Terminal) -> None:
    bad = terminal.clearlift("doctor")
    assert bad.code == 1
    pending = f"{len(POSTGRES)} migrations pending, the first {POSTGRES[0]}"
    assert bad_line(bad.out, "postgres schema") == f"{pending}. Next: `clearlift migrate up`"
    missing = "the lake's catalog is missing. Next: `clearlift migrate up` makes it"
    assert bad_line(bad.out, "clearlift-lake").startswith(missing)

    assert f"postgres: {', '.join(POSTGRES)}" in terminal.good("migrate", "up").splitlines()
    again = terminal.good("migrate", "up").splitlines()
    assert {line.partition(": ")[2] for line in again} == {"nothing to apply"}
    well = terminal.good("doctor").splitlines()
    assert [row.split()[0] for row in well] == ["ok"] * len(well)
    names = (
        *(
            "home",
            "postgres",
            "growth-postgres",
            "object store",
            "backups",
            "key set",
            "backup keys",
            "clearlift-lake",
            "clearlift-d1 schema",
            "consignment-d1 schema",
            "growth-postgres schema",
            "sesh-d1 schema",
            "postgres schema",
        ),
        *("clearlift-kv", "consignment-kv", "growth-kv", "sesh-kv"),
    )
    width = max(map(len, names))
    assert [row[5 : 5 + width].rstrip() for row in well] == list(names)
    kinds = {name: row[6 + width : 15 + width].strip() for name, row in zip(names, well, strict=True)}
    assert {name for name, kind in kinds.items() if kind == "real"} == {"postgres", "postgres schema"}
    assert {name for name, kind in kinds.items() if not kind} == {"home", "key set", "backup keys"}
    home = terminal.stores.settings.home
    (d1,) = (row for row in well if row.startswith("ok   sesh-d1 schema"))
    assert f"embedded {home}/d1/sesh.sqlite: " in d1
    stores = {row["store"]: row for row in json.loads(terminal.good("doctor", "--json"))["stores"]}
    assert list(stores) == list(names)
    assert stores["sesh-kv"] == {
        "store": "sesh-kv",
        "well": True,
        "is": "embedded",
        "where": f"{home}/kv/sesh.sqlite",
        "said": f"{home}/kv/sesh.sqlite: reachable, writable",
    }
    assert [info.key for info in terminal.stores.object_store.list("doctor")] == []


def cells(said: str) -> list[list[str]]:
    """The cells of each line that are not empty."""
    return [[cell for cell in re.split("  +", line.replace("ok ", "ok   ", 1)) if cell] for line in said.splitlines()]


def test_doctor_and_status_say_that_the_keys_of_the_backups_are_gone(terminal: Terminal) -> None:
    terminal.good("migrate", "up")
    keyring = terminal.stores.settings.home / "keyring.json"
    assert ["ok", "key set", "no backup set needs one yet"] in cells(terminal.good("doctor"))
    assert not keyring.exists(), "doctor only looks"
    terminal.good("backup", "run", "consignment/d1", "sesh/d1")
    assert ["ok", "key set", "it opens backup sets"] in cells(terminal.good("doctor"))
    kept = keyring.read_bytes()
    needed = fingerprint(load_keys(keyring), 1)
    keyring.unlink()
    lost = f"2 of 2 backup sets cannot be opened without keys that are not here: key 1 {needed} (2 sets). Next: "
    for other, why in (
        (None, "there is no key set, and "),
        ("new", "backups at backups/ were sealed by another key set"),
    ):
        if other:
            terminal.good("keys", other)
        for command in ("doctor", "status"):
            said = terminal.clearlift(command)
            assert said.code == 1
            (line,) = (line for line in said.out.splitlines() if lost in line)
            assert why in line
            assert "`clearlift keys open ENVELOPE FILE`" in line
            assert "could not be looked at" not in said.out
        assert keyring.exists() == bool(other)
    keyring.write_bytes(kept)
    assert ["ok", "backup keys", "all that the backup sets need are here"] in cells(terminal.good("doctor"))


def test_what_migrate_up_makes_of_nothing_is_enough_for_the_first_ingest(on_supabase: Terminal) -> None:
    on_supabase.good("migrate", "up")
    on_supabase.good("doctor")
    (on_supabase.folder / "one.ndjson").write_bytes(line(1))
    on_supabase.good("land", "one.ndjson")
    intake.ingest(on_supabase)
    assert intake.totals(on_supabase)["received"] == 1


def test_doctor_says_of_a_home_that_others_may_enter_what_to_do(terminal: Terminal) -> None:
    terminal.good("migrate", "up")
    home = terminal.stores.settings.home
    home.chmod(0o755)
    said = terminal.clearlift("doctor")
    assert said.code == 1
    assert f"others may enter it. Next: `chmod 700 {home}`" in said.out
    home.chmod(0o700)
    terminal.good("doctor")
    settings_file = terminal.folder / ".env"
    settings_file.touch()
    settings_file.chmod(0o644)
    assert f"others may read it. Next: `chmod 600 {settings_file.resolve()}`" in terminal.clearlift("doctor").out


def test_doctor_looks_at_what_only_the_ui_and_its_history_use(terminal: Terminal, postgres_dsn: str) -> None:
    terminal.good("migrate", "up")
    terminal.monkeypatch.setenv("CLEARLIFT_DAGSTER_POSTGRES_URL", "rubbish")
    terminal.monkeypatch.setenv("CLEARLIFT_UI_PROXY_HEADER", "X-User")
    said = terminal.clearlift("doctor")
    assert said.code == 1
    bad = [line for line in said.out.splitlines() if line.startswith("bad")]
    assert [line.split()[1] for line in bad] == ["run", "ui"]
    assert "CLEARLIFT_DAGSTER_POSTGRES_URL: " in bad[0]
    assert "CLEARLIFT_UI_PROXY_ADDRESS are set together" in bad[1]
    terminal.monkeypatch.setenv("CLEARLIFT_DAGSTER_POSTGRES_URL", postgres_dsn)
    terminal.monkeypatch.setenv("CLEARLIFT_UI_PROXY_ADDRESS", "10.0.0.0/8")
    well = terminal.good("doctor")
    assert "ok   run history" in well
    assert "ok   ui" in well


def test_doctor_finds_a_store_that_does_not_answer_and_keeps_its_password(terminal: Terminal) -> None:
    terminal.monkeypatch.setenv("CLEARLIFT_POSTGRES_DSN", "postgresql://me:hush@127.0.0.1:1/x?connect_timeout=2")
    said = terminal.clearlift("doctor")
    assert said.code == 1
    assert bad_line(said.out, "postgres").startswith("Postgres at 127.0.0.1:1/x: no connection")
    assert "ok   object store" in said.out
    assert "clearlift-lake" not in said.out
    assert "  postgres schema" not in said.out
    assert "pool" not in said.out + said.err
    assert "hush" not in said.out + said.err


def words(said: str) -> list[list[str]]:
    return [line.split() for line in said.splitlines()]


def test_migrations_go_up_and_with_confirmation_down(terminal: Terminal) -> None:
    assert ["postgres", "001_ingest", "pending"] in words(terminal.good("migrate", "status"))
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
    assert ["postgres", "002_rollups", "pending"] in words(terminal.good("migrate", "status", "postgres"))


def test_migrate_up_goes_on_with_other_stores_and_says_what_was_done(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shutil.copytree(sql_files.ROOT, tmp_path / "sql")
    monkeypatch.setattr(sql_files, "ROOT", tmp_path / "sql")
    file = tmp_path / "sql" / "sesh" / "d1" / "003_partitions.up.sql"
    whole = file.read_text()
    file.write_text(f"{whole}\ninsert into users (id, email) values ('u', null);")
    said = terminal.clearlift("migrate", "up")
    assert said.code == 1
    assert "clearlift-d1: 001_initial, 002_sealing, 003_marketing_choices\n" in said.out
    assert "sesh-d1: 001_core, 002_change_log, then stopped: sesh-d1: sql/sesh/d1/003_partitions.up.sql, " in said.out
    assert f"postgres: {POSTGRES[0]}, " in said.out
    assert "made: " not in said.out
    assert said.err == (
        "Error: 1 of 5 stores are not up to date: sesh-d1. Next: remove the cause that their lines name, then "
        "`clearlift migrate up` (docs/runbooks/failed-migration.md)\n"
    )
    file.write_text(whole)
    assert "sesh-d1: 003_partitions, " in terminal.good("migrate", "up")


def test_a_way_down_says_without_confirmation_what_stands_in_its_way(terminal: Terminal) -> None:
    terminal.stores.migrate()
    terminal.stores.postgres.execute("insert into cache.reads values ('n', 'f', 'k', '2026-01-01', 1, 0)")
    for confirm in ([], ["--confirm"]):
        said = terminal.refused("migrate", "down", "postgres", "--to", "6", *confirm)
        assert "cannot be taken back, because this would lose 1 row of cache.reads. Next: " in said
    assert terminal.stores.postgres.fetch("select count(*) as n from cache.reads") == [{"n": 1}]


def test_migrate_refuses_what_it_does_not_know(terminal: Terminal) -> None:
    names = "clearlift-d1, consignment-d1, growth-postgres, sesh-d1, postgres"
    refusal = terminal.refused("migrate", "up", "mongo")
    assert f"mongo is no store with migrations. Next: name one of {names}" in refusal
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
    assert (
        bad_line(said.out, "postgres schema") == f"sql/pipelines/postgres: {edited}. Next: `clearlift migrate status`"
    )
    assert edited.replace("; ", ". Next: ") in terminal.refused("run", "--no-sample")

    (folder / f"{POSTGRES[0]}.up.sql").unlink()
    missing = "was applied and its up or down file is missing; restore it"
    assert f"{POSTGRES[0]} {missing}" in terminal.clearlift("doctor").out
    listed = terminal.good("migrate", "status", "postgres").splitlines()[1:]
    assert [row.split()[2] for row in listed] == ["missing"] + ["applied"] * (len(POSTGRES) - 1)
    said = terminal.clearlift("migrate", "up")
    assert said.code == 1
    assert f"{POSTGRES[0]}.up.sql is missing. Next: restore it" in said.out
    assert said.err.startswith("Error: 1 of 5 stores are not up to date: postgres. Next: ")


def test_status_says_what_is_wrong_although_the_assets_of_an_app_cannot_be_read(terminal: Terminal) -> None:
    terminal.good("migrate", "up")
    terminal.stores.app_postgres(GROWTH).execute("drop schema pipelines cascade")
    said = terminal.clearlift("status", "--json")
    assert said.code == 1
    found = [(one["what"], one["next"]) for one in json.loads(said.out)["findings"]]
    assert ("pipelines/store: growth-postgres schema", "clearlift migrate up") in found
