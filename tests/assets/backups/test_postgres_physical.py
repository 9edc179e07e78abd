"""The embedded server by its files: any second of its log comes back, in a new folder or into the live database."""

import random
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from assets.apps.growth import APP
from assets.backups.manifest import Kind
from assets.backups.method import At, FullNeededError, NotRestorableError, OccupiedError, Scope
from assets.backups.parts import Draft
from assets.backups.postgres_database import DatabaseSchema
from assets.backups.postgres_physical import PostgresPhysical
from assets.backups.target import StoreName, Target
from assets.privacy.tombstones import Tombstones
from resources import migrations
from resources.postgres import Postgres, embedded, wal
from resources.postgres.databases import made
from resources.postgres.recovery import clear
from tests.assets.backups import planted
from tests.assets.backups.growth_rows import ACTIVITIES, INTERACTIONS, LEADS, SESSIONS, STATEMENTS, state
from tests.assets.backups.sets_of import full, incremental, sets

STORE = StoreName("pipelines", "postgres")
GROWTH = DatabaseSchema(
    "growth/postgres",
    subjects={entry.name: entry.subjects for entry in APP.personal if entry.store == "app_postgres"},
)
FAST = {"fsync": "off"}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that the account of the server may enter."""
    with tempfile.TemporaryDirectory(prefix="clearlift-", dir="/dev/shm") as made, ExitStack() as stack:
        stack.callback(lambda: [embedded.stop(folder) for folder in Path(made).iterdir() if folder.is_dir()])
        yield Path(made)


@pytest.fixture
def live(place: Path) -> Iterator[Postgres]:
    with Postgres(embedded.start(place / "pg", FAST)) as postgres:
        migrations.up(migrations.PostgresAppliedMigrations(postgres), GROWTH.folder)
        yield postgres


@pytest.fixture
def method(live: Postgres, place: Path) -> PostgresPhysical:
    return PostgresPhysical(STORE, live, place / "pg", GROWTH)


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return planted.target(tmp_path / "r2")


def restored(method: PostgresPhysical, target: Target, at: At | None, place: Path, scope: Scope | None = None) -> int:
    """Restore and compare; how many rows of erased people stayed away."""
    chain = method.chain(sets(method, target), at)
    done = method.restore(target, chain, place, scope or Scope(at=at))
    assert list(method.differences(place, done)) == []
    return done.erased


def without_sequences(seen: dict[str, tuple[int, str]]) -> dict[str, tuple[int, str]]:
    """The log has sequences ahead of the values that were given, so that none is given twice."""
    return {name: rows for name, rows in seen.items() if name != "sequences"}


def seen_in(place: Path) -> dict[str, tuple[int, str]]:
    with embedded.running(place, FAST) as dsn, Postgres(dsn) as postgres:
        return state(postgres)


def busy(live: Postgres, choose: random.Random, times: int) -> list[tuple[datetime, dict[str, tuple[int, str]]]]:
    """Transactions one after the other, with the state at a moment after each."""
    found = []
    for _ in range(times):
        live.execute(choose.choice(STATEMENTS))
        (now,) = live.fetch("select clock_timestamp() as moment")
        found.append((now["moment"], state(live)))
    return found


@pytest.mark.parametrize(("rounds", "tried"), [(1, 1), pytest.param(4, 20, marks=pytest.mark.soak)])
def test_any_moment_of_the_log_comes_back_row_for_row(
    rounds: int, tried: int, method: PostgresPhysical, live: Postgres, target: Target, place: Path
) -> None:
    choose = random.Random(rounds)
    first = full(method, target)
    moments = []
    for _ in range(rounds):
        moments += busy(live, choose, 6)
        incremental(method, target)
        moments += busy(live, choose, 3)
        between = full(method, target)
        assert between.facts["continues"]
        method.prune(sets(method, target))
    moments += busy(live, choose, 4)
    newest = incremental(method, target)
    assert (first.kind, newest.kind) == (Kind.BASE, Kind.WAL)
    assert method.chain(sets(method, target), None) == (between, newest)
    picked = [moments[7], *choose.sample(moments, tried - 1)]
    for number, (moment, seen) in enumerate(picked):
        restored(method, target, moment, place / f"back{number}")
        assert without_sequences(seen_in(place / f"back{number}")) == without_sequences(seen)
        embedded.stop(place / f"back{number}")
    restored(method, target, None, place / "end")
    assert without_sequences(seen_in(place / "end")) == without_sequences(state(live))
    assert method.chain(sets(method, target), newest.until) == (between, newest)
    for at in (first.moment - timedelta(seconds=1), datetime.now(UTC) + timedelta(days=1), "0/1"):
        with pytest.raises(NotRestorableError, match="no backup of pipelines/postgres holds"):
            method.chain(sets(method, target), at)


def test_the_live_database_goes_back_and_people_stay_erased(
    method: PostgresPhysical, live: Postgres, target: Target, place: Path
) -> None:
    for statement in (LEADS, INTERACTIONS, SESSIONS, ACTIVITIES):
        live.execute(statement)
    full(method, target)
    (moment,) = live.fetch("select clock_timestamp() as now")
    seen = state(live)
    (one,) = live.fetch("select id::text from marketing.leads order by id limit 1")
    live.execute("update marketing.leads set name = 'newer'")
    live.execute("delete from onboarding.step_activities")
    incremental(method, target)
    at = moment["now"]
    with pytest.raises(OccupiedError):
        method.restore(target, method.chain(sets(method, target), at), place / "pg", Scope(at=at))
    assert restored(method, target, at, place / "pg", Scope(at=at, live=True)) == 0
    assert without_sequences(state(live)) == without_sequences(seen)
    people = Tombstones.of(("lead", one["id"]))
    away = restored(method, target, at, place / "back", Scope(at=at, erased=people))
    assert away >= 2
    with embedded.running(place / "back", FAST) as dsn, Postgres(dsn) as back:
        assert back.fetch("select 1 from marketing.leads where id::text = %s", (one["id"],)) == []
        assert back.fetch("select 1 from marketing.lead_interactions where lead_id::text = %s", (one["id"],)) == []
    live.execute("delete from marketing.leads")
    single = Scope(at=at, tables=("marketing.leads",), live=True, erased=people)
    coming = method.preview(target, method.chain(sets(method, target), at), single)
    assert [(table.name, table.rows) for table in coming] == [("marketing.leads", seen["marketing.leads"][0] - 1)]
    restored(method, target, at, place / "pg", single)
    (left,) = live.fetch("select count(*) as n from marketing.leads")
    assert left["n"] == seen["marketing.leads"][0] - 1
    with pytest.raises(NotRestorableError, match="come back into the live database alone"):
        method.restore(target, method.chain(sets(method, target), at), place / "x", Scope(tables=single.tables))
    assert sorted(path.name for path in place.iterdir()) == ["back", "pg"]
    live.close()
    clear(place / "pg")
    chain = method.chain(sets(method, target), at)
    with ThreadPoolExecutor(2) as pool:
        two = [pool.submit(method.restore, target, chain, place / "pg", Scope(at=at)) for _ in range(2)]
    assert {type(one.exception()) for one in two} == {type(None), OccupiedError}
    assert without_sequences(seen_in(place / "pg")) == without_sequences(seen)


def test_databases_of_apps_stay_where_ours_goes_back_and_come_with_a_folder(
    live: Postgres, target: Target, place: Path
) -> None:
    with Postgres(made(live.dsn, "app")) as app:
        migrations.up(migrations.PostgresAppliedMigrations(app), GROWTH.folder)
        app.execute(LEADS)
        # Another one than ours, though its tables are the same.
        others = {"app": replace(GROWTH)}
        method = PostgresPhysical(STORE, live, place / "pg", GROWTH, others, {"app": StoreName("growth", "postgres")})
        full(method, target)
        app.execute("delete from marketing.leads")
        chain = method.chain(sets(method, target), None)
        method.restore(target, chain, place / "pg", Scope(live=True))
        assert any("database app (`clearlift backup restore growth/postgres" in phrase for phrase in method.stays())
        assert app.fetch("select 1 from marketing.leads") == []
    done = method.restore(target, chain, place / "back", Scope())
    assert {table.name: table.rows for table in done.tables}["app.marketing.leads"] == 5
    assert list(method.differences(place / "back", done)) == []
    with embedded.running(place / "back", FAST) as dsn, Postgres(made(dsn, "app")) as app:
        app.execute("delete from marketing.leads")
    wrong = list(method.differences(place / "back", done))
    assert "app.marketing.leads has 0 rows, not 5" in wrong


def test_a_log_that_was_given_up_or_is_of_another_server_asks_for_a_full_backup(
    method: PostgresPhysical, live: Postgres, target: Target, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = full(method, target)
    assert wal.kept(live.dsn).start == wal.position_of(base.since or "")
    method.prune(sets(method, target))
    assert wal.kept(live.dsn).start == wal.position_of(base.until)
    monkeypatch.setattr(wal, "KEPT_MEGABYTES", 16)
    wal.keep(live.dsn)
    assert wal.kept(live.dsn).left is not None
    with psycopg.connect(live.dsn, autocommit=True) as connection:
        # The server's checkpointer hears of the new limit some time later.
        for _ in range(100):
            connection.execute("select pg_logical_emit_message(true, 'x', 'y')")
            connection.execute("select pg_switch_wal()")
            connection.execute("checkpoint")
            if wal.kept(live.dsn).start is None:
                break
    assert wal.kept(live.dsn).start is None
    with pytest.raises(FullNeededError, match="gave up its log after"):
        method.incremental(Draft(target, STORE, "x"), base)
    again = full(method, target)
    assert "continues" not in again.facts
    assert wal.kept(live.dsn).start is not None
    with pytest.raises(NotRestorableError):
        method.chain(sets(method, target), again.moment - (again.moment - base.moment) / 2)
    restored(method, target, None, place / "back")
    with Postgres(embedded.start(place / "back", FAST)) as back:
        other = PostgresPhysical(STORE, back, place / "back", GROWTH)
        with pytest.raises(FullNeededError, match="of another server, or of the time before it was restored"):
            other.incremental(Draft(target, STORE, "x"), again)
        assert "continues" not in full(other, target).facts
        back.execute(LEADS)
        incremental(other, target)
        restored(other, target, None, place / "third")
        assert without_sequences(seen_in(place / "third")) == without_sequences(state(back))


def test_what_differs_from_what_was_seen_is_named(
    method: PostgresPhysical, live: Postgres, target: Target, place: Path
) -> None:
    live.execute(LEADS)
    manifest = full(method, target)
    assert manifest.facts["tables_are_exact"] == "yes"
    with method.scratch(place) as scratch:
        done = method.restore(target, (manifest,), scratch, Scope())
        with embedded.running(scratch, FAST) as dsn, psycopg.connect(dsn) as connection:
            connection.execute("delete from marketing.leads")
            connection.execute("set session_replication_role = replica")
            connection.execute(
                "insert into marketing.lead_interactions (lead_id, kind) values (gen_random_uuid(), 'note')"
            )
        wrong = list(method.differences(scratch, done))
    assert "database postgres: 1 rows break the foreign key lead_interactions_lead_id_fkey" in wrong[0]
    assert any(text.startswith("marketing.leads has 0 rows, not ") for text in wrong)
    assert not (place / "postgres").exists()
