"""Which store the settings open, and Postgres as Supabase has it: through a pooler, under a role."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from pyiceberg.types import StringType

from clearlift_pipelines.settings import SettingsError, load
from clearlift_pipelines.stores import Stores
from resources import migrations
from resources.lake import PartitionKey
from tests.assets.rollups.event_lake import START, event, frame
from tests.pages import blocks
from tests.resources.postgres.transaction_pooler import pooler
from tests.standin.loopback import Loopback, Reply
from tests.tables import EVENTS

pytestmark = pytest.mark.usefixtures("bare_environment")

R2_SQL = {
    "CLEARLIFT_CLOUDFLARE_ACCOUNT_ID": "acct",
    "CLEARLIFT_R2_BUCKET": "lake",
    "CLEARLIFT_R2_ACCESS_KEY_ID": "key-id",
    "CLEARLIFT_R2_SECRET_ACCESS_KEY": "hush-secret",
    "CLEARLIFT_LAKE_CATALOG_URI": "https://catalog.example",
    "CLEARLIFT_LAKE_WAREHOUSE": "acct_lake",
    "CLEARLIFT_LAKE_TOKEN": "hush-lake",
    "CLEARLIFT_R2_SQL_TOKEN": "hush-sql",
}
R2_VARIABLES = [name for name in R2_SQL if name.startswith("CLEARLIFT_R2_") and name != "CLEARLIFT_R2_SQL_TOKEN"]
LAKE_VARIABLES = [name for name in R2_SQL if name.startswith("CLEARLIFT_LAKE_")]


def set_variables(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def stores_of(tmp_path: Path, dsn: str) -> Stores:
    return Stores(load(home=tmp_path / "home", postgres_dsn=SecretStr(dsn)))


def test_another_engine_connects_as_the_page_says(
    tmp_path: Path, migrated_dsn: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (text,) = (block.text for block in blocks("lake.md") if block.language == "python")
    here = migrated_dsn.replace("postgresql://", "postgresql+psycopg://", 1)
    given = "postgresql+psycopg://postgres@/postgres?host=FOLDER&port=5432"
    assert given in text
    with stores_of(tmp_path, migrated_dsn) as stores:
        stores.migrate()
        table = stores.lake.table(EVENTS)
        table.append(table.write([(PartitionKey("a3f7c2", START.date()), frame([event()]))]), "one")
        names: dict[str, Any] = {}
        exec(text.replace(given, here), names)
        rows, metadata_location = capsys.readouterr().out.split()
        assert rows == "1"
        (query,) = (block.text.splitlines()[1] for block in blocks("lake.md") if block.language == "sql")
        assert metadata_location == table.load().metadata_location
        with names["table"].update_schema() as update:
            update.add_column("theirs", StringType())
        assert table.examined() == ["theirs was added (string)"]
        names["catalog"].close()
    assert "iceberg_scan('METADATA_LOCATION')" in query


def test_r2_sql_is_asked_where_it_is_configured(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Stores(load()).r2_sql is None
    with Loopback(lambda _: Reply({"success": True, "errors": [], "result": {"rows": [{"n": 1}]}})) as service:
        set_variables(monkeypatch, {**R2_SQL, "CLEARLIFT_R2_SQL_URL": service.url})
        r2_sql = Stores(load()).r2_sql
        assert r2_sql is not None
        assert r2_sql.query("select 1 as n") == [{"n": 1}]
        monkeypatch.setenv("CLEARLIFT_BASIN_SQL_AUDITS", "false")
        turned_off = Stores(load())
        assert (turned_off.r2_sql, turned_off.r2_sql_counts is None) == (None, False)
        r2_sql._session.close()
    (request,) = service.requests
    assert request.path == "/accounts/acct/r2-sql/query/lake"
    assert request.headers["Authorization"] == "Bearer hush-sql"


@pytest.mark.parametrize(
    ("left_out", "named"),
    [
        (["CLEARLIFT_R2_SQL_TOKEN"], "CLEARLIFT_R2_SQL_TOKEN"),
        (R2_VARIABLES, "CLEARLIFT_R2_BUCKET"),
        (LAKE_VARIABLES, "CLEARLIFT_LAKE_CATALOG_URI"),
        (["CLEARLIFT_CLOUDFLARE_ACCOUNT_ID"], "CLEARLIFT_CLOUDFLARE_ACCOUNT_ID"),
    ],
)
def test_a_half_configured_r2_sql_is_refused(monkeypatch: pytest.MonkeyPatch, left_out: list[str], named: str) -> None:
    others = {"CLEARLIFT_R2_SQL_URL": "https://sql.example", "CLEARLIFT_R2_ENDPOINT": "https://r2.example"}
    if left_out == R2_VARIABLES:
        del others["CLEARLIFT_R2_ENDPOINT"]
    set_variables(monkeypatch, {n: v for n, v in {**R2_SQL, **others}.items() if n not in left_out})
    with pytest.raises(SettingsError, match=f"^{named} is missing") as refused:
        load()
    assert "hush" not in str(refused.value)


def test_an_api_at_an_address_of_its_own_needs_no_account(monkeypatch: pytest.MonkeyPatch) -> None:
    set_variables(monkeypatch, {"CLEARLIFT_D1__CLEARLIFT": "id", "CLEARLIFT_CLOUDFLARE_API_TOKEN": "hush"})
    with pytest.raises(SettingsError, match="CLEARLIFT_CLOUDFLARE_ACCOUNT_ID is missing"):
        load()
    monkeypatch.setenv("CLEARLIFT_CLOUDFLARE_API_URL", "http://127.0.0.1:1/api")
    assert load().cloudflare_account_id is None


def test_postgres_and_the_lakes_catalog_work_through_a_transaction_pooler(tmp_path: Path, postgres_dsn: str) -> None:
    with pooler(postgres_dsn) as pooled:
        stores = stores_of(tmp_path, pooled)
        stores.migrate()
        events = stores.lake.table(EVENTS)
        # Often enough that a driver with its own ways would prepare its statements.
        for number in range(8):
            rows = frame([event(event_id=f"e{number}")])
            files = events.write([(PartitionKey("a3f7c2", START.date()), rows)])
            events.append(files, f"commit {number}")
        assert events.scan().collect()["event_id"].sort().to_list() == [f"e{number}" for number in range(8)]
        assert stores.migrate() == []
        stores.close()


def test_a_database_that_was_migrated_before_there_were_apps_is_known(
    tmp_path: Path, postgres_dsn: str, bare_environment: Path
) -> None:
    """Its migrations are recorded under the name that their folder had then."""
    with Stores(load(home=tmp_path / "home", postgres_dsn=SecretStr(postgres_dsn))) as stores:
        stores.migrate()
        stores.postgres.execute("update pipelines.migrations set folder = 'clearlift/postgres' where number <= 10")
        assert stores.migrate() == []
        _, applied, folder = list(stores.migrated())[-1]
        assert {migration.state for migration in migrations.status(applied, folder)} == {migrations.State.APPLIED}
        stores.postgres.execute("update pipelines.migrations set folder = 'clearlift/postgres'")
        later = [str(migration) for migration in migrations.load(folder)[13:]]
        assert [str(migration) for migration in migrations.down(applied, folder, to=13)] == later[::-1]
        assert [str(migration) for migration in migrations.up(applied, folder)] == later
