"""The upkeep of a database in Dagster's eyes: sizes, findings with their SQL, and what is not known is not green."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import materialize

from assets.apps.growth import APP
from assets.capability import Capability, Site, op_name
from assets.database.capability import bring
from assets.partitions import Calendar
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.rooms import TestRooms

NOW = datetime.fromisoformat("2026-03-20T10:30:00Z")


@pytest.fixture
def rooms(postgres: Postgres, tmp_path: Path) -> TestRooms:
    """A database with our own migrations, which is as good as any."""
    return TestRooms(NOW, postgres, FolderObjectStore(tmp_path), app_postgreses={APP.name: postgres})


def looked_at(rooms: TestRooms, name: str) -> tuple[dict[str, Any], bool]:
    site = Site(rooms, Calendar(date(2026, 1, 1)), timedelta(days=35), 1000, (7, 5, 12))
    (asset,) = (asset for asset in bring(APP, site).assets if asset.key.path[-1] == name)
    done = materialize([asset], resources={"rooms": rooms})
    (event,) = done.asset_materializations_for_node(op_name(asset.key.path))
    (check,) = done.get_asset_check_evaluations()
    return dict(event.metadata), check.passed


def test_an_app_without_a_postgres_of_its_own_has_nothing_to_look_at(rooms: TestRooms) -> None:
    site = Site(rooms, Calendar(date(2026, 1, 1)), timedelta(days=35), 1000, (7, 5, 12))
    assert bring(replace(APP, postgres_migrations=None), site) == Capability()


def test_sizes_are_shown_and_findings_come_with_their_sql(rooms: TestRooms) -> None:
    said, _ = looked_at(rooms, "tables")
    assert said["tables"].value > 50
    assert {record.data["table"] for record in said["sizes"].records} >= {"rollups.hourly", "ads.campaigns"}
    before, _ = looked_at(rooms, "indexes")
    rooms.postgres.execute("create table public.a (x int primary key, y int references public.a)")
    said, passed = looked_at(rooms, "indexes")
    assert not passed
    assert said["found"].value == before["found"].value + 1
    assert {record.data["sql"] for record in said["findings"].records} >= {"create index concurrently on public.a (y)"}


def test_statements_that_nobody_counts_are_not_green(rooms: TestRooms) -> None:
    said, passed = looked_at(rooms, "queries")
    assert not passed
    assert [record.data["sql"] for record in said["findings"].records] == ["create extension pg_stat_statements"]


def test_connections_are_counted(rooms: TestRooms) -> None:
    said, passed = looked_at(rooms, "connections")
    assert passed
    assert 1 <= said["used"].value < said["admitted"].value
