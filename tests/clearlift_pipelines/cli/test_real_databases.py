"""A real database is changed by `migrate up` alone, and no command takes it for another store's."""

from pathlib import Path

from resources.postgres import Postgres
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.databases import database

GROWTH = "CLEARLIFT_POSTGRES__GROWTH"


def test_our_own_database_under_another_name_of_its_server_is_refused(terminal: Terminal, postgres_dsn: str) -> None:
    terminal.good("migrate", "up")
    # As by a second name in DNS: the settings cannot tell.
    terminal.monkeypatch.setattr("clearlift_pipelines.places.database", lambda dsn: (dsn, "", ""))
    terminal.monkeypatch.setenv(GROWTH, f"{postgres_dsn}&application_name=other")
    before = terminal.stores.postgres.fetch("select count(*)::int as n from pipelines.migrations")
    for command in (("migrate", "up", "growth-postgres"), ("job", "phones")):
        said = terminal.clearlift(*command)
        assert said.code == 1
        shown = said.out + said.err
        assert "holds sql/pipelines/postgres, so it cannot be the database of sql/growth/postgres too" in shown
        assert f"Next: give sql/growth/postgres a database of its own: correct {GROWTH}" in shown
    assert terminal.stores.postgres.fetch("select count(*)::int as n from pipelines.migrations") == before


def test_a_real_database_is_migrated_by_nobody_but_migrate_up(
    terminal: Terminal, postgres_server: str, tmp_path: Path
) -> None:
    terminal.stores.migrate()
    with database(postgres_server) as dsn:
        terminal.monkeypatch.setenv(GROWTH, dsn)
        for command in (
            ("job", "phones"),
            ("run", "--no-sample"),
            ("retention", "plan"),
            ("backfill", "rollups", "--from", "2025-10-10", "--to", "2025-10-11"),
        ):
            said = terminal.refused(*command)
            assert said.endswith("9 migrations pending, the first 001_initial_schema. Next: `clearlift migrate up`")
        with Postgres(dsn) as untouched:
            assert untouched.fetch("select to_regclass('pipelines.migrations') as name") == [{"name": None}]
        terminal.good("migrate", "up", "growth-postgres")
        assert "growth/leads/phones" in terminal.good("job", "phones")
        # What is embedded is brought to date by each command that needs it.
        terminal.monkeypatch.setenv("CLEARLIFT_HOME", str(tmp_path / "another home"))
        assert "growth/leads/phones" in terminal.good("job", "phones")
