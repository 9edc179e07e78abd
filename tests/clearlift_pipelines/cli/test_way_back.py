"""Before a real store is migrated it is backed up, and what was there comes back by the position that is printed."""

import re
from contextlib import closing
from pathlib import Path

import pytest

from assets.apps.consignment import APP as CONSIGNMENT
from clearlift_pipelines.cli import way_back
from resources import migrations
from resources.d1 import EmbeddedD1
from resources.postgres import Postgres
from resources.postgres.databases import made
from resources.r2 import FolderObjectStore, ObjectStoreError
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.clearlift_pipelines.cli.test_backup import other_database
from tests.pages import blocks, pasted_well

NEWEST = len(migrations.load(CONSIGNMENT.d1_migrations or ""))


def position(said: str, name: str) -> str:
    """The position that a line of a store ends with."""
    found = re.search(
        rf"^{name}: backed up before its migrations as \S+, position (\S+?)(?:\.|, Time Travel) ", said, re.MULTILINE
    )
    assert found, said
    return found[1]


def applied(terminal: Terminal) -> tuple[migrations.AppliedMigrations, str]:
    return next((done, folder) for name, done, folder in terminal.stores.migrated() if name == "consignment-d1")


def test_an_embedded_d1_comes_back_as_it_was_before_its_migrations(terminal: Terminal) -> None:
    terminal.stores.migrate()
    done, folder = applied(terminal)
    d1 = terminal.stores.d1(CONSIGNMENT)
    assert way_back.keep(terminal.stores, "consignment-d1", done, folder) is None
    migrations.down(done, folder, to=NEWEST - 1)
    assert way_back.keep(terminal.stores, "consignment-d1", done, folder, to=NEWEST - 1) is None
    said = way_back.keep(terminal.stores, "consignment-d1", done, folder)
    at = position(f"consignment-d1: {said}", "consignment-d1")
    migrations.up(done, folder)
    d1.execute("create table made_later (a)")

    look, go_back = (block for block in blocks("recovery.md") if "POSITION" in block.text)
    pasted_well(terminal, look, {"POSITION": at})
    d1.execute("drop table made_later")
    pasted_well(terminal, go_back, {"POSITION": at})
    assert [one.number for one in done.rows(folder)] == list(range(1, NEWEST))
    with closing(EmbeddedD1(Path("before.sqlite"))) as place:
        assert [one.number for one in migrations.D1AppliedMigrations(place, "x").rows(folder)] == list(range(1, NEWEST))
        assert place.query("select 1 from sqlite_master where name = 'made_later'") == []


def test_a_real_postgres_is_backed_up_before_and_comes_back(terminal: Terminal) -> None:
    first = terminal.good("migrate", "up", "postgres", "--to", "2")
    assert first == "postgres: 001_ingest, 002_rollups\n"  # there was nothing to go back to
    run = "insert into ingest.runs (ingest_id, state, started_at) values (gen_random_uuid(), 'prepared', now())"
    terminal.stores.postgres.execute(run)
    at = position(terminal.good("migrate", "up", "postgres"), "postgres")
    assert "backed up" not in terminal.good("migrate", "up", "postgres")
    terminal.stores.postgres.execute("delete from ingest.runs")

    with other_database(terminal.stores.postgres) as name:
        terminal.good("backup", "restore", "pipelines/postgres", "--at", at, "--into", name)
        with Postgres(made(terminal.stores.postgres.dsn, name)) as place:
            assert place.fetch("select state from ingest.runs") == [{"state": "prepared"}]
            assert place.fetch("select max(number) as n from pipelines.migrations") == [{"n": 2}]


def test_where_no_backup_can_be_made_a_real_store_is_not_migrated_unless_a_person_says_so(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal.good("migrate", "up", "postgres", "--to", "2")

    def away(*_: object) -> bool:
        raise ObjectStoreError("put: no route")

    monkeypatch.setattr(FolderObjectStore, "put_if_absent", away)
    said = terminal.clearlift("migrate", "up")
    assert said.code == 1
    assert (
        "postgres: then stopped: no backup of it as it is can be made: backups at backups/: put: no route" in said.out
    )
    assert "; --without-backup migrates all the same" in said.out
    assert "consignment-d1: 001_" in said.out
    assert terminal.stores.postgres.fetch("select max(number) as n from pipelines.migrations") == [{"n": 2}]
    assert "postgres: 003_cache, " in terminal.good("migrate", "up", "postgres", "--without-backup")
