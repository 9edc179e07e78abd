"""A further database of the embedded server: made once, and for development."""

import os
from pathlib import Path

import psycopg
import pytest

from resources.postgres import Postgres
from resources.postgres.shared import SharedServer


def test_it_is_made_once_and_its_connections_say_that_it_is_for_development(
    tmp_path: Path, postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"further_{os.getpid()}"
    server = SharedServer(tmp_path / "postgres", lambda: None)
    monkeypatch.setattr(server, "dsn", lambda: postgres_server)
    try:
        for expected in (0, 1):
            with Postgres(server.database(name)) as postgres:
                (row,) = postgres.fetch("select current_setting('app.environment') as said, current_database() as name")
                assert row == {"said": "development", "name": name}
                postgres.execute("create table if not exists kept (id int)")
                (counted,) = postgres.fetch("select count(*) as n from kept")
                assert counted["n"] == expected
                postgres.execute("insert into kept values (1)")
    finally:
        with psycopg.connect(postgres_server, autocommit=True) as admin:
            admin.execute(f"drop database {name} with (force)".encode())
