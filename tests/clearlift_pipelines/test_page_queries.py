"""The SQL of docs/, run on the database that it is for.

What does not belong here: what analysts ask (test_analysts.py).
"""

import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.growth import APP as GROWTH
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.stores import Stores, utc_now
from resources.postgres import embedded
from sandbox import sample_stores
from tests.assets.series.partitioned_d1 import partitioned, record
from tests.pages import Block, blocks

AT = datetime(2026, 11, 3, 10, tzinfo=UTC)


def sql(page: str) -> list[str]:
    return [block.text for block in blocks(page) if block.language == "sql"]


@pytest.fixture
def stores(tmp_path: Path, migrated_dsn: str) -> Iterator[Stores]:
    with Stores(Settings(_env_file=None, home=tmp_path / "home", postgres_dsn=SecretStr(migrated_dsn))) as made:  # type: ignore[call-arg]
        made.migrate()
        yield made


def test_a_model_and_rates(stores: Stores) -> None:
    for text in sql("attribution.md"):
        stores.postgres.execute(text)
    assert stores.postgres.fetch("select ordinal from attribution.models where model = 'ends'") == [{"ordinal": 6}]
    rate = "select attribution.exchange_rate('clearlift', '2026-03-22', 'USD', 'EUR') * 100 as of_hundred"
    assert stores.postgres.fetch(rate)[0]["of_hundred"] == 80


def test_a_choice_and_a_look_up(stores: Stores) -> None:
    d1 = stores.d1(CLEARLIFT)
    sample_stores.fill_d1(d1)
    (choice,) = sql("privacy.md")
    d1.upsert("organizations", ["id", "name", "slug"], [["org-1", "One", "one"]], ["id"])
    d1.execute(choice)
    assert d1.query("select choice from marketing_choices") == [{"choice": "do_not_sell"}]
    (look_up,) = sql("sealing.md")
    assert d1.query(look_up, ["1.a", "2.b", "owner@sample.example"]) == [{"id": sample_stores.OWNER}]


def test_a_policy_and_the_audit_trail_of_growth(stores: Stores) -> None:
    database = stores.app_postgres(GROWTH)
    database.execute("insert into marketing.leads (email) values ('test@example.com'), ('other@example.com')")
    policy, trail = sql("growth.md")
    psql = [str(embedded.binaries() / "psql"), database.dsn, "-XAt", "-v", "ON_ERROR_STOP=1"]
    said = subprocess.run(psql, input=policy, capture_output=True, text=True, check=True).stdout
    assert "test@example.com" in said
    assert "other@example.com" not in said
    database.execute("update marketing.leads set status = 'contacted' where email = 'test@example.com'")
    lead = database.fetch("select id::text as id from marketing.leads where email = 'test@example.com'")[0]["id"]
    (entry,) = database.fetch(trail.replace("ID", lead))
    assert (entry["operation"], entry["new_values"]) == ("update", {"status": "contacted"})


def test_a_session_is_found_in_its_partition(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite")
    for number in range(3):
        record(d1, f"s{number}", AT.replace(day=3 + number))
    writing, reading, of_one = sql("sesh.md")
    at, start, end = "2026-11-03T10:00:00.000Z", "2026-10-01T00:00:00.000Z", "2026-11-05T00:00:00.000Z"
    assert d1.query(writing, [at]) == [{"name": "sessions_2026_11"}]
    names = [row["name"] for row in d1.query(reading, [start, end])]
    assert names == ["sessions_2026_10", "sessions_2026_11"]
    found = d1.query(of_one, [start, end, "u1", 2])
    assert [row["id"] for row in found] == ["s1", "s0"]
    d1.close()


def test_faults_are_ordered_of_the_sandbox_and_taken_back(stores: Stores) -> None:
    (block,) = (block for block in blocks("ads.md") if block.language == "bash")
    with sample_stores.sandbox(stores.object_store, utc_now) as served:
        for line in ported(block, served.origin):
            done = subprocess.run(
                ["bash", "-ec", f"{line.partition(' #')[0]} -sf"], capture_output=True, text=True, check=False
            )
            assert done.returncode == 0, (line, done.stdout, done.stderr)


def ported(block: Block, origin: str) -> list[str]:
    return block.text.replace("http://127.0.0.1:8990", origin).splitlines()
