"""Rows of a database between servers of several versions, and as a login without a superuser's rights."""

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from assets.backups.postgres_logical import PostgresLogical
from resources import migrations
from resources.postgres import Postgres
from tests.assets.backups import planted
from tests.assets.backups.growth_rows import (
    ACTIVITIES,
    INTERACTIONS,
    LEADS,
    SCHEMA,
    SESSIONS,
    STORE,
    objects,
    restored,
    state,
)
from tests.assets.backups.sets_of import full
from tests.databases import database
from tests.sql.growth.older_server import PROGRAMS, older
from tests.supabase import project, supabase

FAST = {"fsync": "off"}


@contextmanager
def place() -> Iterator[Path]:
    """A folder that the account of a server may enter."""
    with tempfile.TemporaryDirectory(prefix="clearlift-") as made:
        Path(made).chmod(0o711)
        yield Path(made)


def nowhere(name: str) -> Postgres:
    raise AssertionError(f"nobody names a place {name}")


def filled(postgres: Postgres) -> Postgres:
    migrations.up(migrations.PostgresAppliedMigrations(postgres), SCHEMA.folder)
    for statement in (LEADS, INTERACTIONS, SESSIONS, ACTIVITIES):
        postgres.execute(statement)
    return postgres


def test_a_login_without_a_superusers_rights_backs_up_and_restores_its_project(tmp_path: Path) -> None:
    with (
        place() as folder,
        supabase(folder / "pg", FAST) as server,
        project(server, "live") as dsn,
        ExitStack() as stack,
    ):
        other = stack.enter_context(Postgres(stack.enter_context(project(server, "other"))))
        live = filled(stack.enter_context(Postgres(dsn)))
        # The platform has tables of its own, which the login may read.
        with Postgres(dsn.replace("project_login@", "postgres@")) as platform:
            platform.execute("create schema storage; create table storage.objects (id int)")
            platform.execute("insert into storage.objects values (1); grant usage on schema storage to project_login")
            platform.execute("grant select on storage.objects to project_login")
        method = PostgresLogical(STORE, live, SCHEMA, lambda _: other)
        target = planted.target(tmp_path / "r2")
        manifest = full(method, target)
        assert "left_out" not in manifest.facts
        restored(method, target, manifest, method.place("other"))
        assert {**state(other), "storage.objects": None} == {**state(live), "storage.objects": None}
        assert set(objects(live)) - set(objects(other)) == {
            "schema storage",
            "table storage.objects",
            "column storage.objects.id integer",
        }


@pytest.mark.skipif(not PROGRAMS.exists(), reason="needs PostgreSQL 15 of the system")
def test_rows_come_back_between_versions_of_the_server_in_both_directions(tmp_path: Path, postgres_server: str) -> None:
    with place() as folder, older(folder / "pg") as old_server, ExitStack() as stack:
        for from_server, to_server in ((old_server, postgres_server), (postgres_server, old_server)):
            live, back = (
                stack.enter_context(Postgres(stack.enter_context(database(server))))
                for server in (from_server, to_server)
            )
            method = PostgresLogical(STORE, filled(live), SCHEMA, nowhere)
            target = planted.target(tmp_path / f"r2 {len(from_server)}")
            restored(method, target, full(method, target), back)
            assert state(back) == state(live)
