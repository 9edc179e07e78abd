"""What is in the way of single rows of a Postgres is said before they are restored, while others go on writing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from assets.apps.growth import APP
from assets.backups.method import NotRestorableError, Scope
from assets.backups.obstacles import InTheWayError
from assets.backups.postgres_logical import PostgresLogical
from assets.backups.postgres_schemas import schema_of
from assets.backups.target import StoreName, Target
from resources.postgres import Postgres
from tests.assets.backups.planted import target
from tests.assets.backups.sets_of import full, sets
from tests.databases import database, template_of

LEADS = (
    "insert into marketing.leads (email, source) select n || '@secret.example', 'referral' from generate_series(1, 4) n"
)
CALLS = "insert into marketing.lead_interactions (lead_id, kind) select id, 'call' from marketing.leads"
COUNTS = """select (select count(*) from marketing.leads) as leads,
(select count(*) from marketing.lead_interactions) as calls"""


@pytest.fixture
def live(postgres_server: str) -> Iterator[Postgres]:
    with database(postgres_server, template_of(postgres_server, "growth/postgres")) as dsn, Postgres(dsn) as postgres:
        postgres.execute("truncate marketing.leads cascade")
        yield postgres


@pytest.fixture
def method(live: Postgres) -> PostgresLogical:
    return PostgresLogical(StoreName("growth", "postgres"), live, schema_of(APP), lambda _: live)


@pytest.fixture
def at(tmp_path: Path) -> Target:
    return target(tmp_path / "r2")


def preview(method: PostgresLogical, at: Target, scope: Scope) -> dict[str, int]:
    tables = method.preview(at, method.chain(sets(method, at), None), scope)
    return {table.name: table.rows for table in tables if table.rows}


def in_the_way(method: PostgresLogical, at: Target, scope: Scope) -> str:
    """What stands in the way, which preview and restore say alike, and which changes nothing."""
    live = method.live()
    before, said = live.fetch(COUNTS), []
    chain = method.chain(sets(method, at), None)
    works: list[Callable[[], object]] = [
        lambda: method.preview(at, chain, scope),
        lambda: method.restore(at, chain, live, scope),
    ]
    for work in works:
        with pytest.raises(InTheWayError) as raised:
            work()
        said.append(str(raised.value))
    assert said[0] == said[1]
    assert live.fetch(COUNTS) == before
    assert "secret" not in said[0]
    return said[0]


def test_a_parent_that_is_gone_is_named_and_comes_with_its_children(
    method: PostgresLogical, live: Postgres, at: Target
) -> None:
    live.execute(LEADS)
    live.execute(CALLS)
    full(method, at)
    live.execute("delete from marketing.leads where email like any (array['1@%', '2@%'])")
    assert in_the_way(method, at, Scope(tables=("marketing.lead_interactions",), live=True)) == (
        "the live growth/postgres does not take these rows: 2 rows of marketing.lead_interactions refer by "
        "lead_interactions_lead_id_fkey to what is not in marketing.leads. Next: restore that table with it: --table "
        "marketing.leads; or restore into a new place with --into, and take the rows from there"
    )
    both = Scope(tables=("marketing.lead_interactions", "marketing.leads"), live=True)
    # What is there as it was does not come again.
    assert preview(method, at, both) == {"marketing.leads": 2, "marketing.lead_interactions": 2}
    done = method.restore(at, method.chain(sets(method, at), None), live, both)
    assert {table.name: table.rows for table in done.tables} == dict.fromkeys(both.tables, 2)
    assert preview(method, at, both) == {}
    assert live.fetch(COUNTS) == [{"leads": 4, "calls": 4}]


def test_a_value_that_another_row_has_now_is_named_by_its_key_alone(
    method: PostgresLogical, live: Postgres, at: Target
) -> None:
    live.execute(LEADS)
    # A condition, an expression, a generated column, and NULL as a value.
    live.execute(
        "create table public.odd (id integer primary key, a text, b integer, n integer,"
        " doubled integer generated always as (b * 2) stored);"
        " create unique index odd_lower on public.odd (lower(a)) where b > 1;"
        " create unique index odd_doubled on public.odd (doubled);"
        " alter table public.odd add constraint odd_null unique nulls not distinct (n)"
    )
    live.execute("insert into public.odd (id, a, b, n) values (1, 'A', 2, 1), (2, 'B', 1, null)")
    full(method, at)
    (one,) = live.fetch("delete from marketing.leads where email like '1@%' returning id::text")
    live.execute("insert into marketing.leads (email, source) values ('1@secret.example', 'referral')")
    key = "marketing.leads has a value of the unique key leads_email_key_is_known_already that another row has now"
    for scope in (Scope(tables=("marketing.leads",), live=True), Scope(owners=(one["id"],), live=True)):
        assert f"1 row of {key}. Next: give the rows that are there now another value" in in_the_way(method, at, scope)
    live.execute("delete from public.odd")
    odd = Scope(tables=("public.odd",), live=True)
    for row, keys in (
        ("(8, 'a', 9, 8)", ["odd_lower"]),
        ("(8, 'b', 9, 8)", []),
        ("(8, 'x', 2, 8)", ["odd_doubled"]),
        ("(8, 'x', 9, null)", ["odd_null"]),
    ):
        live.execute(f"insert into public.odd (id, a, b, n) values {row}")
        if keys:
            said = in_the_way(method, at, odd)
            assert [name for name in ("odd_lower", "odd_doubled", "odd_null") if name in said] == keys
        else:
            assert preview(method, at, odd) == {"public.odd": 2}
        live.execute("delete from public.odd where id = 8")


def test_the_preview_holds_up_no_writer_and_waits_for_none(method: PostgresLogical, live: Postgres, at: Target) -> None:
    live.execute(LEADS)
    full(method, at)
    with psycopg.connect(live.dsn) as writer:
        writer.execute("update marketing.leads set name = 'x'")
        assert preview(method, at, Scope(tables=("marketing.leads",), live=True)) == {}


def test_the_parent_of_an_owners_row_is_to_come_first(method: PostgresLogical, live: Postgres, at: Target) -> None:
    live.execute(
        "insert into experiments.experiments (key, name, primary_metric, variants) values ('e', 'e', 'signup', "
        """'[{"key": "a", "weight": 1, "is_control": true}, {"key": "b", "weight": 1, "is_control": false}]')"""
    )
    user = "00000000-0000-0000-0000-000000000001"
    live.execute(
        "insert into experiments.assignments (experiment_id, user_id, variant, bucket)"
        " select id, %s, 'a', 1 from experiments.experiments where key = 'e'",
        (user,),
    )
    full(method, at)
    live.execute("delete from experiments.experiments where key = 'e'")
    said = in_the_way(method, at, Scope(owners=(user,), live=True))
    assert "1 row of experiments.assignments refers by assignments_experiment_id_fkey to what is not in" in said
    assert "first restore that table without --organisation: --table experiments.experiments; or" in said


def test_tables_that_stay_are_refused_before_it_is_confirmed(
    method: PostgresLogical, live: Postgres, at: Target
) -> None:
    full(method, at)
    with pytest.raises(NotRestorableError, match="stays as it is in the live growth/postgres"):
        preview(method, at, Scope(tables=("pipelines.migrations",), live=True))


def test_a_whole_restore_counts_the_same_tables_before_and_after(
    method: PostgresLogical, live: Postgres, at: Target
) -> None:
    live.execute(LEADS)
    manifest = full(method, at)
    chain, scope = method.chain(sets(method, at), None), Scope(live=True)
    before = {table.name for table in method.preview(at, chain, scope)}
    done = method.restore(at, chain, live, scope)
    assert {table.name for table in done.tables} == before
    assert {table.name for table in manifest.tables} - before == set(method.stays()) == {"pipelines.migrations"}
