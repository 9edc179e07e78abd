"""A database read at one moment and put back into another: every row, with any login that may read it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from resources.postgres import Connection, Postgres
from resources.postgres.load import LoadRefusedError, filled_tables, loading
from resources.postgres.row_checksum import RowChecksum
from resources.postgres.snapshot import Snapshot, snapshot, tables_of
from tests.databases import database

SHOP = """
create schema shop;
create type shop.colour as enum ('red', 'green');
create table shop.people (
    id bigint generated always as identity primary key,
    name text not null unique,
    boss bigint references shop.people,
    favourite bigint,
    shout text generated always as (upper(name)) stored,
    born timestamptz, wait interval, money numeric, ratio float8, colour shop.colour, raw bytea, tags text[], more jsonb
);
create table shop.things (id serial primary key, owner bigint not null references shop.people on delete cascade);
alter table shop.people add foreign key (favourite) references shop.things deferrable initially deferred;
create table shop."Odd.Name%" ("a %s" text, "{}" int);
create table shop.visits (day date not null, n int) partition by range (day);
create table shop.visits_2025 partition of shop.visits for values from ('2025-01-01') to ('2026-01-01');
create materialized view shop.names as select count(*) as n from shop.people;
create function shop.refuse() returns trigger language plpgsql as $$ begin raise 'a trigger fired'; end $$;
create index people_by_shout on shop.people (shout desc nulls last, lower(name)) where ratio is not null;
create unique index things_by_owner on shop.things (owner) include (id);
create index on shop.visits (n);
create sequence shop.tickets start 7;
create sequence shop.untouched;
"""
TRIGGERS = """
create trigger refuse before insert on shop.people for each row execute function shop.refuse();
create trigger always before insert on shop.things for each row execute function shop.refuse();
alter table shop.things enable always trigger always;
"""
ROWS = """
insert into shop.people (name, born, wait, money, ratio, colour, raw, tags, more)
select E'n\\t\\n\\\\' || i, timestamptz '2025-03-30 02:30+02' + i * interval '1 day',
    interval '1 mon -3 days 04:05:06.7', i / 7::numeric,
    case i when 1 then 'NaN' when 2 then '-Infinity' else 0.1 + 0.2 * i end, 'green', sha256(i::text::bytea),
    array['a,b', null, '"'], '{"k": [1, null, "é"]}'
from generate_series(1, 50) i;
update shop.people set boss = 51 - id;
insert into shop.things (owner) select id from shop.people;
update shop.people set favourite = 1;
insert into shop."Odd.Name%" values (null, 1), ('', 2), ('\\N', 3);
create table shop.visits_2024 partition of shop.visits for values from ('2024-01-01') to ('2025-01-01');
insert into shop.visits select date '2024-12-20' + i, i from generate_series(1, 20) i;
select nextval('shop.tickets'), nextval('shop.tickets');
"""
FORMATS = "alter database {} set datestyle = 'German'; alter database {} set bytea_output = 'escape'"


def read(postgres: Postgres) -> dict[str, tuple[int, str, bytes]]:
    with snapshot(postgres) as now:
        return {name: (rows, checksum, data) for name, rows, checksum, data in contents(now)}


def contents(now: Snapshot) -> Iterator[tuple[str, int, str, bytes]]:
    for table in now.tables:
        counted = RowChecksum()
        data = b"".join(now.rows(table, counted))
        yield table.name, counted.rows, counted.checksum, data


def put_back(source: Postgres, goal: Postgres, *, replace: bool = False) -> None:
    with (
        snapshot(source) as now,
        loading(
            goal,
            names := [t.name for t in now.tables],
            emptied=names if replace else (),
            partitions=now.partitions,
        ) as load,
    ):
        for table in now.tables:
            load.fill(table.name, table.columns, now.rows(table, RowChecksum()))
        for sequence in now.sequences:
            load.advance(sequence, backwards=True)


@contextmanager
def shop(server: str, *statements: str) -> Iterator[Postgres]:
    with database(server) as dsn, Postgres(dsn) as made:
        for statement in (SHOP, *statements):
            made.execute(statement)
        yield made


def test_all_rows_come_back_past_triggers_and_circles_and_the_schema_is_as_it_was(postgres_server: str) -> None:
    with shop(postgres_server, ROWS) as source, shop(postgres_server, TRIGGERS) as goal:
        name = psycopg.conninfo.conninfo_to_dict(source.dsn)["dbname"]
        source.execute(FORMATS.format(name, name))
        source.close()
        with snapshot(goal) as empty:
            before = empty.objects
        indexes = "select indexname, indexdef from pg_indexes where schemaname = 'shop' and tablename <> 'visits_2024'"
        as_before = goal.fetch(f"{indexes} order by 1")
        put_back(source, goal)
        assert read(goal) == read(source)
        assert {name: rows for name, (rows, *_) in read(goal).items()} == {
            'shop."Odd.Name%"': 3,
            "shop.people": 50,
            "shop.things": 50,
            "shop.visits": 20,
        }
        with snapshot(goal) as now:
            assert now.objects == before
        assert goal.fetch(f"{indexes} order by 1") == as_before
        with snapshot(goal) as now:
            assert [(s.name, s.last_value) for s in now.sequences] == [
                ("shop.people_id_seq", 50),
                ("shop.things_id_seq", 50),
                ("shop.tickets", 8),
                ("shop.untouched", None),
            ]
        assert goal.fetch("select n from shop.names") == [{"n": 50}]
        assert goal.fetch("select nextval('shop.untouched') as n") == [{"n": 1}]
        assert goal.fetch("select count(*) as n from shop.visits_2024") == [{"n": 11}]
        for table in ("people (name) values ('x')", "things (owner) values (1)"):
            with pytest.raises(psycopg.errors.RaiseException, match="a trigger fired"):
                goal.execute(f"insert into shop.{table}")
        with pytest.raises(psycopg.errors.ForeignKeyViolation):
            goal.execute("delete from shop.people where id = 3")


def test_what_has_rows_is_replaced_all_or_nothing(postgres_server: str) -> None:
    with shop(postgres_server, ROWS) as source, shop(postgres_server, ROWS) as goal:
        goal.execute("update shop.people set name = 'live ' || id")
        live = read(goal)
        assert filled_tables(goal) == ['shop."Odd.Name%"', "shop.people", "shop.things", "shop.visits"]
        with pytest.raises(ZeroDivisionError), loading(goal, ["shop.people"], emptied=["shop.people"]):
            1 / 0  # noqa: B018
        assert read(goal) == live
        put_back(source, goal, replace=True)
        assert read(goal) == read(source)


def test_rows_that_others_refer_to_stay_and_the_error_has_no_values(postgres_server: str) -> None:
    with shop(postgres_server, ROWS) as goal:
        before = read(goal)
        line = b"1\tsecret name" + 2 * b"\t\\N" + b"\n"
        with (
            pytest.raises(LoadRefusedError) as refused,
            loading(goal, ["shop.people"], emptied=["shop.people"]) as load,
        ):
            load.fill("shop.people", ["id", "name", "boss", "favourite"], [line])
        assert "things_owner_fkey" in str(refused.value)
        with (
            pytest.raises(LoadRefusedError) as doubled,
            loading(goal, ["shop.people"], emptied=["shop.people"]) as load,
        ):
            load.fill("shop.people", ["id", "name", "boss", "favourite"], [line, line])
        assert "secret" not in str(refused.value) + str(doubled.value)
        with (
            pytest.raises(LoadRefusedError, match="has no column nick"),
            loading(goal, ["shop.people"], emptied=["shop.people"]) as load,
        ):
            load.fill("shop.people", ["id", "nick"], [])
        with (
            pytest.raises(LoadRefusedError, match="nothing: no such table"),
            loading(goal, ["nothing"], emptied=["nothing"]),
        ):
            pass
        assert read(goal) == before


def test_writers_go_on_and_what_they_do_is_not_seen(postgres_server: str) -> None:
    with shop(postgres_server, ROWS) as source, Postgres(source.dsn) as writer:
        before = read(source)
        with snapshot(source) as now:
            writer.execute(
                "update shop.people set name = 'later ' || id; insert into shop.visits values ('2025-02-01', 1)"
            )
            emptying = threading.Thread(target=writer.execute, args=("truncate shop.visits",))
            emptying.start()
            seen = {name: (rows, checksum, data) for name, rows, checksum, data in contents(now)}
        emptying.join()
        assert seen == before
        assert read(source)["shop.visits"][0] == 0


def test_a_table_that_is_truncated_while_it_begins_is_looked_at_again(
    postgres_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with shop(postgres_server, ROWS) as source, Postgres(source.dsn) as writer:
        real = tables_of
        calls = iter(["truncate shop.visits", 'drop table shop."Odd.Name%"'])

        def between(connection: Connection) -> object:
            found = real(connection)
            for statement in calls:
                writer.execute(statement)
                break
            return found

        monkeypatch.setattr("resources.postgres.snapshot.tables_of", between)
        seen = read(source)
        assert seen["shop.visits"][0] == 0
        assert 'shop."Odd.Name%"' not in seen


def test_what_a_login_cannot_read_whole_is_named_and_never_cut(postgres_server: str) -> None:
    with shop(postgres_server, ROWS) as source:
        role = f"reader_{psycopg.conninfo.conninfo_to_dict(source.dsn)['dbname']}"
        source.execute(f"""
            create role {role} login;
            grant usage on schema shop to {role};
            grant select on shop.people, shop.visits, shop."Odd.Name%" to {role};
            alter table shop.people enable row level security;
            create policy own on shop.people using (id < 10);
            create schema closed; create table closed.t (a int);
        """)
        try:
            with Postgres(source.dsn.replace("postgres@", f"{role}@")) as reader, snapshot(reader) as now:
                assert dict(now.missing) == {
                    "closed.t": "the login has no right to use its schema",
                    "shop.people": "row-level security hides rows of it from the login",
                    "shop.things": "the login has no right to read it",
                    "shop.people_id_seq": "the login has no right to read it",
                    "shop.things_id_seq": "the login has no right to read it",
                    "shop.tickets": "the login has no right to read it",
                    "shop.untouched": "the login has no right to read it",
                }
                assert [(name, rows) for name, rows, *_ in contents(now)] == [
                    ('shop."Odd.Name%"', 3),
                    ("shop.visits", 20),
                ]
                with (
                    pytest.raises(psycopg.errors.InsufficientPrivilege, match="row-level security"),
                    now.connection.transaction(),
                ):
                    now.connection.execute("select name from shop.people").fetchall()
        finally:
            source.close()
            source.execute(f"drop owned by {role}; drop role {role}")


def test_it_is_the_same_through_a_transaction_pooler(way: str) -> None:
    with Postgres(way) as postgres:
        postgres.execute(SHOP)
        postgres.execute(ROWS)
        first = read(postgres)
        put_back_rows = [(name, data) for name, (_, _, data) in first.items() if name != 'shop."Odd.Name%"']
        with loading(
            postgres, [name for name, _ in put_back_rows], emptied=list(first.keys() - {'shop."Odd.Name%"'})
        ) as load:
            for name, data in put_back_rows:
                load.fill(name, load.tables[name].columns, [data[:7], data[7:]])
        assert read(postgres) == first


def test_the_checksum_is_of_a_multiset() -> None:
    one, other = RowChecksum(), RowChecksum()
    for row in (b"a", b"b", b"b"):
        one.add(row)
    for row in (b"b", b"c", b"a"):
        other.add(row)
    assert one != other
    other.remove(b"c")
    other.add(b"b")
    assert one == other
    assert RowChecksum(one.rows, one.checksum) == one
