"""Ways down and up of every store of the house, with rows in its tables: none is lost, and its jobs still work.

A way down either goes, and all is there again after the way up; or it is refused, and nothing has changed.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.pipelines import MIGRATIONS
from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import METRIC_SERIES, SERIES, SESSIONS
from assets.events.table import events_table
from assets.metrics.build import Metrics
from assets.metrics.grains import GRAINS
from assets.series import ahead, audit, fold
from resources import migrations
from resources.d1 import EmbeddedD1
from resources.migrations import AppliedMigrations, MigrationError, State
from resources.postgres import Postgres
from sandbox import sample_stores
from tests.assets.rollups.event_lake import EventLake, event
from tests.assets.series.partitioned_d1 import NOW, SINCE, UNHURRIED, clock, fill, point, record
from tests.clearlift_pipelines.location import Location
from tests.databases import database, empty
from tests.examples import examples
from tests.filled import d1_rows, fill_postgres, postgres_rows
from tests.sql.sesh.database import REQUIRED, put

SCHEMAS = [
    "ads",
    "analysts",
    "archive",
    "attribution",
    "audit",
    "cache",
    "consent",
    "experiments",
    "health",
    "ingest",
    "media",
    "pacing",
    "privacy",
    "restored",
    "retention",
    "rollups",
    "sealing",
    "sessions",
]


def there_and_back(applied: AppliedMigrations, folder: str, to: int) -> bool:
    """Down to a number and up again; whether it went. All migrations are applied in the end."""
    try:
        migrations.down(applied, folder, to=to)
    except MigrationError as refusal:
        went = False
        said = refusal.reason
    else:
        went, said = True, ""
        migrations.up(applied, folder)
    assert went or "cannot be taken back, because" in said
    assert {status.state for status in migrations.status(applied, folder)} == {State.APPLIED}
    return went


@pytest.fixture(scope="module")
def filled(postgres_server: str) -> Iterator[str]:
    """The DSN of our Postgres with a row in every table."""
    with database(postgres_server) as dsn:
        with Postgres(dsn) as postgres:
            migrations.up(migrations.PostgresAppliedMigrations(postgres), MIGRATIONS)
            assert fill_postgres(postgres) == set()
        yield dsn


@examples(2, 15)
@given(st.integers(0, len(migrations.load(MIGRATIONS))), st.sets(st.sampled_from(SCHEMAS), min_size=1))
def test_our_postgres(postgres_server: str, filled: str, to: int, emptied: set[str]) -> None:
    with database(postgres_server, filled) as dsn, Postgres(dsn) as postgres:
        applied = migrations.PostgresAppliedMigrations(postgres)
        empty(postgres, *emptied)
        before = postgres_rows(postgres)
        there_and_back(applied, MIGRATIONS, to)
        assert postgres_rows(postgres) == before
        assert fill_postgres(postgres) == set(), "rows can be written as before"


def test_our_postgres_goes_down_where_no_row_is_in_the_way(postgres_server: str, filled: str) -> None:
    with database(postgres_server, filled) as dsn, Postgres(dsn) as postgres:
        applied = migrations.PostgresAppliedMigrations(postgres)
        empty(postgres, "ads", "attribution", "experiments", "ingest", "cache", "rollups")
        empty(postgres, "sealing", "privacy", "audit", "consent", "health", "analysts", "pacing")
        # Views and rights, and columns of tables without rows.
        assert there_and_back(applied, MIGRATIONS, 12)
        assert not there_and_back(applied, MIGRATIONS, 0)
        empty(postgres, *SCHEMAS)
        assert there_and_back(applied, MIGRATIONS, 0)


def a_sesh(path: Path, folded: bool, partitions: bool) -> EmbeddedD1:
    """Sesh's D1 with rows in its tables: partitions and metrics made, old months folded or not."""
    d1 = EmbeddedD1(path)
    migrations.up(migrations.D1AppliedMigrations(d1, "sesh-d1"), "sesh/d1")
    fill(d1, SINCE, SERIES if partitions else [])
    for table in sorted(REQUIRED.keys() - {"users"}):
        values = {"userId": "u1"} if table in ("inventory", "journal_entries", "medical_symptoms") else {}
        put(d1, table, **({"userId": "u1"} if table == "user_preferences" else {"id": "1", **values}))
    if partitions:
        for n, at in enumerate((SINCE, NOW)):
            record(d1, f"s{n}", at, rating=3)
            point(d1, f"s{n}", 1, at)
        work(d1, folded)
    return d1


def work(d1: EmbeddedD1, folded: bool = True) -> None:
    """The jobs of the time series, which must leave them whole."""
    for grain in GRAINS.values():
        Metrics(d1, METRIC_SERIES, grain, clock, UNHURRIED).run()
    for series in SERIES:
        ahead.make(d1, series, clock)
        if folded:
            fold.Folding(d1, series, clock, UNHURRIED).run()
        assert audit.faults(d1, series) == []


@examples(2, 20)
@given(
    st.integers(0, 6),
    st.booleans(),
    st.booleans(),
    st.sets(st.sampled_from(["change_log", "stale_metrics", "products", "point_objects", *REQUIRED])),
)
def test_the_d1_of_sesh(
    tmp_path_factory: pytest.TempPathFactory, to: int, partitions: bool, folded: bool, emptied: set[str]
) -> None:
    d1 = a_sesh(tmp_path_factory.mktemp("sesh") / "sesh.sqlite", folded, partitions)
    for table in sorted(emptied - {"users"}):
        d1.execute(f"delete from {table}")
    before = d1_rows(d1)
    applied = migrations.D1AppliedMigrations(d1, "sesh-d1")
    went = there_and_back(applied, "sesh/d1", to)
    assert d1_rows(d1) == before
    assert not (went and partitions and to < 4), "partitions need their registry, and what their triggers write to"
    if partitions:
        record(d1, "again", NOW)
        work(d1)
        assert d1.query("select id from sessions where id = 'again'") == [{"id": "again"}]
    d1.close()


@pytest.mark.parametrize("rows", [True, False])
def test_the_d1_of_clearlift(tmp_path: Path, rows: bool) -> None:
    d1 = EmbeddedD1(tmp_path / "clearlift.sqlite")
    applied = migrations.D1AppliedMigrations(d1, "clearlift-d1")
    migrations.up(applied, "clearlift/d1")
    if rows:
        sample_stores.fill_d1(d1)
    before = d1_rows(d1)
    assert there_and_back(applied, "clearlift/d1", 0) is not rows
    assert d1_rows(d1) == before
    d1.close()


def test_the_lake_stays_and_its_jobs_work(location: Location) -> None:
    stores = location.stores
    EventLake(stores).append(event())
    table = stores.lake.table(events_table(CLEARLIFT))
    before = [file.path for file in table.files()]
    (applied, folder) = next((one[1], one[2]) for one in stores.migrated() if one[0] == "postgres")
    assert there_and_back(applied, folder, 12)
    there_and_back(applied, folder, 0)
    assert [file.path for file in table.files()] == before
    assert stores.migrate() == []
    assert location.run("compact").success
    assert location.run("partitions", app=SESH.name).success
    assert audit.faults(stores.d1(SESH), SESSIONS) == []
