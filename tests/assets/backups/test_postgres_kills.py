"""Backups and restores of a Postgres, whose process ends at any of its calls, and which are run again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.backups.method import Scope
from assets.backups.sets import Sets, find
from assets.backups.verify import Verification
from resources import migrations
from resources.postgres import Postgres, embedded
from resources.postgres.recovery import clear
from tests.assets.backups.ending import ends
from tests.assets.backups.growth_rows import state
from tests.assets.backups.planted import NOON, target
from tests.assets.backups.postgres_work import (
    LIVE,
    SCHEMA,
    STORE,
    WHOLE,
    back_up_files,
    back_up_rows,
    by_files,
    restore_files,
    restore_rows,
)
from tests.assets.backups.test_postgres_physical import FAST, place, seen_in, without_sequences
from tests.databases import database

__all__ = ["place"]  # a fixture
RUNS = """insert into ingest.runs (ingest_id, state, started_at)
select gen_random_uuid(), 'prepared', now() from generate_series(1, 5)"""
FIELDS = "insert into ingest.unknown_fields select ingest_id, 'field', 1 from ingest.runs"
LATER = "update ingest.runs set started_at = started_at + interval '1 day'"


def calls(some: int) -> list[object]:
    """At which calls a process ends: at some of them or, in a long run, at each."""
    return [pytest.param(some, id="some"), pytest.param(1, id="all", marks=pytest.mark.soak)]


def filled(postgres: Postgres) -> None:
    migrations.up(migrations.PostgresAppliedMigrations(postgres), SCHEMA.folder, to=1)
    postgres.execute(RUNS)
    postgres.execute(FIELDS)


@pytest.fixture
def live(postgres_server: str) -> Iterator[Postgres]:
    with database(postgres_server) as dsn, Postgres(dsn) as postgres:
        filled(postgres)
        yield postgres


@pytest.fixture
def server(place: Path) -> Iterator[Postgres]:
    with Postgres(embedded.start(place / "pg", FAST)) as postgres:
        filled(postgres)
        yield postgres


def found(sets: Path) -> Sets:
    """The sets that lie there; each that counts as verified is whole."""
    there = find(target(sets), STORE)
    good = [one.id for one in there.complete if there.is_good(one)]
    assert not good or not any(read.faults for read in Verification(target(sets), there, NOON).run(good))
    assert not there.damaged
    return there


@pytest.mark.parametrize("step", calls(9))
def test_a_backup_by_rows_that_ends_at_any_call_changes_nothing_and_the_next_one_is_whole(
    live: Postgres, postgres_server: str, tmp_path: Path, step: int
) -> None:
    seen, number = state(live), 1
    while ends(number, back_up_rows, live.dsn, sets := tmp_path / str(number)):
        assert state(live) == seen
        killed = found(sets)
        back_up_rows(live.dsn, sets)
        assert found(sets).newest_good is not killed.newest_good
        number += step
    assert number > 30
    with database(postgres_server) as dsn, Postgres(dsn) as back:
        restore_rows(live.dsn, sets, dsn, WHOLE)
        assert state(back) == seen


@pytest.mark.parametrize("step", calls(19))
def test_a_restore_by_rows_that_ends_at_any_call_ends_the_same_when_run_again(
    live: Postgres, postgres_server: str, tmp_path: Path, step: int
) -> None:
    back_up_rows(live.dsn, tmp_path)
    seen, number, ended = state(live), 1, True
    while ended:
        with database(postgres_server) as dsn, Postgres(dsn) as back:
            ended = ends(number, restore_rows, live.dsn, tmp_path, dsn, WHOLE)
            assert (tables := state(back))["sequences"] == seen["sequences"]
            assert tables == seen or not any(rows for name, (rows, _) in tables.items() if name.startswith("ingest"))
            restore_rows(live.dsn, tmp_path, dsn, WHOLE)
            assert state(back) == seen
        number += step
    assert number > 50


@pytest.mark.parametrize("step", calls(11))
def test_a_restore_of_rows_over_the_live_database_that_ends_at_any_call_leaves_all_or_nothing(
    live: Postgres, tmp_path: Path, step: int
) -> None:
    back_up_rows(live.dsn, tmp_path)
    seen, number, ended = state(live), 1, True
    while ended:
        live.execute(LATER)
        later = state(live)
        ended = ends(number, restore_rows, live.dsn, tmp_path, live.dsn, LIVE)
        assert state(live) in (seen, later)
        restore_rows(live.dsn, tmp_path, live.dsn, LIVE)
        assert state(live) == seen
        number += step
    assert number > 50


@pytest.mark.parametrize("step", calls(37))
def test_a_backup_by_files_that_ends_at_any_call_lets_no_moment_be_lost(
    server: Postgres, place: Path, tmp_path: Path, step: int
) -> None:
    back_up_files(server.dsn, place / "pg", tmp_path)
    number = 1
    while ends(number, back_up_files, server.dsn, place / "pg", tmp_path):
        server.execute(LATER)
        (now,) = server.fetch("select clock_timestamp() as moment")
        seen = state(server)
        back_up_files(server.dsn, place / "pg", tmp_path)
        keep_two(tmp_path)
        number += step
    assert number > 30
    method, at = by_files(server, place / "pg"), target(tmp_path)
    method.restore(at, method.chain(found(tmp_path), now["moment"]), place / "back", Scope(at=now["moment"]))
    assert without_sequences(seen_in(place / "back")) == without_sequences(seen)


def keep_two(sets: Path) -> None:
    """Leave the newest set and the one that it goes on from, so that each run has as many calls as the one before."""
    newest = found(sets).newest_good
    assert newest is not None
    for set_id in target(sets).ids(STORE):
        if set_id not in (newest.id, newest.facts["continues"]):
            shutil.rmtree(sets / target(sets).folder(STORE, set_id))


@pytest.mark.parametrize("step", calls(31))
def test_a_restore_of_files_that_ends_at_any_call_gives_a_folder_its_name_once_it_is_whole(
    server: Postgres, place: Path, tmp_path: Path, step: int
) -> None:
    back_up_files(server.dsn, place / "pg", tmp_path)
    seen, number = state(server), 1
    # Each run begins with what the one before it left. A live server that is lost is made again.
    while ends(number, restore_files, server.dsn, place / "pg", tmp_path, place / "back", LIVE):
        if (place / "back").exists():
            assert without_sequences(seen_in(place / "back")) == without_sequences(seen)
            clear(place / "back")
        number += step
    assert number > 30
    assert without_sequences(seen_in(place / "back")) == without_sequences(seen)
    assert not list(place.glob(".back.restored*"))


@pytest.mark.parametrize("step", calls(47))
def test_a_restore_of_files_over_the_live_database_that_ends_at_any_call_leaves_all_or_nothing(
    server: Postgres, place: Path, tmp_path: Path, step: int
) -> None:
    back_up_files(server.dsn, place / "pg", tmp_path)
    seen, number, ended = without_sequences(state(server)), 1, True
    while ended:
        server.execute(LATER)
        later = without_sequences(state(server))
        ended = ends(number, restore_files, server.dsn, place / "pg", tmp_path, place / "pg", LIVE)
        assert without_sequences(state(server)) in (seen, later)
        number += step
    assert number > 50
    assert without_sequences(state(server)) == seen
