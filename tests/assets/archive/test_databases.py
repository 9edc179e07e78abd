"""Tables of D1 and Postgres: archived, pruned and restored exactly, whatever their columns hold."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.apps.lifecycle import Archive, Lifecycle
from assets.archive.d1_source import D1Source
from assets.archive.d1_target import D1Target
from assets.archive.lines import decode, encode
from assets.archive.postgres_source import PostgresSource
from assets.archive.postgres_target import PostgresTarget
from assets.archive.sources import ChangedMeanwhileError
from resources.cloudflare import RATE, api_session
from resources.d1 import CloudflareD1, EmbeddedD1, Param
from resources.d1.times import stamp
from resources.pacing import Pacing
from resources.postgres import Postgres
from tests.assets.archive.vault import QUARTER, Vault
from tests.standin.cloudflare import ACCOUNT, DATABASE, TOKEN, Cloudflare
from tests.standin.waits import Waits

AT = "2026-02-03T04:05:06.007Z"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
VALUES = (
    st.none()
    | TEXTS
    | st.integers(-(2**63), 2**63 - 1)
    | st.binary(max_size=9)
    | st.floats(allow_nan=False, allow_infinity=False)
)
ANY_D1 = 'create table things (id text primary key not null, at text not null, "any ü", n integer, r real, b blob)'
ANY_POSTGRES = """
create table things (
    id bigint generated always as identity primary key, at timestamptz not null, t text, n numeric, d numeric(20, 6),
    i integer, o boolean, f double precision, j jsonb, k json, b bytea, x text[], y date, u uuid, v interval,
    doubled bigint generated always as (2 * i::bigint) stored
)
"""


def carried(source: Any, target: Any, restores: int = 2) -> int:
    """Everything of the quarter through lines into the target, again and again; how many rows were added at first."""
    columns = source.columns
    lines = [encode(f, columns) for s in source.slices(QUARTER.window) for f in source.read(s)]
    source.close()
    added = [target.put([decode(part, columns) for part in lines], columns) for _ in range(restores)]
    assert added[1:] == [0] * (restores - 1)
    return int(added[0])


def exactly(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    return [{name: repr(value) for name, value in row.items()} for row in rows]


@settings(max_examples=25)
@given(rows=st.lists(st.tuples(VALUES, VALUES, VALUES, VALUES), max_size=6))
def test_rows_of_d1_keep_every_value_and_its_type(rows: list[tuple[Any, ...]], tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "any.sqlite")
    for name in ("things", "things_restored"):
        d1.execute(f"drop table if exists {name}")
    d1.execute(ANY_D1)
    for number, row in enumerate(rows):
        d1.execute("insert into things values (?, ?, ?, ?, ?, ?)", (f"id {number}", AT, *row))
    every = 'select *, typeof("any ü") t1, typeof(n) t2, typeof(r) t3, typeof(b) t4 from {} order by id'
    before = exactly(d1.query(every.format("things")))

    def opened() -> D1Source:
        return D1Source(d1, lambda window: [("things", window)], "at", ["id"], stamp, QUARTER.window)

    assert carried(opened(), D1Target(d1, "things", "side", "at", ["id"], lambda _: "things")) == len(rows)
    if rows:
        assert exactly(d1.query(every.format("things_restored"))) == before
    source = opened()
    lines = [encode(f, source.columns) for s in source.slices(QUARTER.window) for f in source.read(s)]
    d1.execute("delete from things")
    live = D1Target(d1, "things", "live", "at", ["id"], lambda _: "things")
    for part in lines:
        live.put([decode(part, source.columns)], source.columns)
    assert exactly(d1.query(every.format("things"))) == before
    d1.close()


def test_what_d1_answers_over_http_is_as_exact(tmp_path: Path) -> None:
    waits = Waits(0.0)
    api = Cloudflare(tmp_path / "cloudflare", waits.clock)
    pacing = Pacing(RATE, clock=waits.clock, sleep=waits.sleep)
    session = api_session(TOKEN, pacing, clock=waits.clock, sleep=waits.sleep, jitter=lambda: 0.5)
    with api.loopback:
        d1 = CloudflareD1(session, ACCOUNT, DATABASE, api=api.api)
        d1.execute(ANY_D1)
        rows: list[tuple[Param, ...]] = [
            (1, 1.0, "1", b"1"),
            (2**63 - 1, 2.0**63, "", b""),
            (None, -0.5, "ü\n", None),
            (-(2**53) - 1, 1e16, 5, 6),
        ]
        for number, row in enumerate(rows):
            d1.execute("insert into things values (?, ?, ?, ?, ?, ?)", (f"id {number}", AT, *row))
        source = D1Source(d1, lambda window: [("things", window)], "at", ["id"], stamp, QUARTER.window)
        assert carried(source, D1Target(d1, "things", "side", "at", ["id"], str)) == len(rows)
        every = 'select typeof("any ü") || typeof(n) || typeof(r) || typeof(b) as types, * from {} order by id'
        assert exactly(d1.query(every.format("things_restored"))) == exactly(d1.query(every.format("things")))
        d1.close()
        session.close()
    api.close()


@pytest.fixture
def things(postgres: Postgres) -> Postgres:
    postgres.execute(ANY_POSTGRES)
    return postgres


def test_rows_of_postgres_keep_every_value_of_every_type(things: Postgres) -> None:
    things.execute(
        r"""
        insert into things (at, t, n, d, i, o, f, j, k, b, x, y, u, v) values
        ('2026-02-03 04:05:06.789012+02', 'ü 😀 "\ ' || chr(10), 'NaN', 1.500000, -2147483648, true, 'NaN', 'null',
         '{"b": 1,  "a": [1e400]}', '\x00ff0a', array['a', null, '', '"{}"'], '0044-03-15 BC',
         'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '1 mon -3 days 04:05:06.5'),
        ('2026-02-03 04:05:06+00', '', 12345678901234567890123456789.123456789, -0.000001, 7, false, '-Infinity',
         '{"a": null, "n": 1.10}', '[]', '', '{}', 'infinity', null, null),
        ('2026-03-31 23:59:59.999999+00', null, null, null, null, null, null, null, null, null, null, null, null, null),
        ('2026-02-01 00:00:00+00', null, 'Infinity', 0, 0, null, 5e-324, '"x"', 'true', null, null, null, null, null),
        ('2026-04-01 00:00:00+00', 'another quarter', 1, 1, 1, true, 1, '1', '1', '', '{}', null, null, null)
        """
    )
    every = "select id, {}::text as row from {} things where at < '2026-04-01' order by id"
    before = things.fetch(every.format("things", ""), ())

    def opened() -> PostgresSource:
        return PostgresSource(things, "public.things", "at", ["id"])

    assert carried(opened(), PostgresTarget(things, "public.things", "side", ["id"])) == 4
    assert things.fetch(every.format("things", "restored.public_things"), ()) == before
    source = opened()
    frames = [f for s in source.slices(QUARTER.window) for f in source.read(s)]
    source.close()
    things.execute("delete from things")
    target = PostgresTarget(things, "public.things", "live", ["id"])
    assert target.put([decode(encode(f, source.columns), source.columns) for f in frames], source.columns) == 4
    assert things.fetch(every.format("things", ""), ()) == before


def test_a_table_that_lost_a_column_says_so(things: Postgres) -> None:
    things.execute("insert into things (at, t) values ('2026-02-03', 'x')")
    source = PostgresSource(things, "public.things", "at", ["id"])
    frames = [f for s in source.slices(QUARTER.window) for f in source.read(s)]
    source.close()
    things.execute("alter table things drop column t")
    with pytest.raises(ValueError, match=r"public\.things no longer has what was archived of it: t"):
        PostgresTarget(things, "public.things", "live", ["id"]).put(frames, source.columns)


def test_rows_of_d1_that_go_while_they_are_read_are_no_archive(tmp_path: Path) -> None:
    d1 = EmbeddedD1(tmp_path / "any.sqlite")
    d1.execute(ANY_D1)
    d1.execute("insert into things (id, at) values ('a', ?), ('b', ?)", (AT, AT))
    source = D1Source(d1, lambda window: [("things", window)], "at", ["id"], stamp, QUARTER.window)
    (slice_,) = source.slices(QUARTER.window)
    d1.execute("delete from things where id = 'b'")
    with pytest.raises(ChangedMeanwhileError, match="things: rows came or went while 1 of them were read"):
        list(source.read(slice_))
    d1.close()


def test_what_postgres_holds_of_all_applications_is_archived_by_organisation(vault: Vault) -> None:
    vault.now = vault.now.replace(year=2027)
    vault.postgres.execute(
        """
        insert into ads.restatements
            (org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency, spend_after)
        select org, 'google', '1', '2', '2026-02-03', '2026-02-03 04:05:06', gen_random_uuid(), 'EUR', 1.5
        from unnest(array['org one', 'org/two']) org
        """
    )
    before = vault.postgres.fetch("select r::text as row from ads.restatements r order by id")

    assert vault.archive("clearlift", "ads.restatements").sealed == 2
    assert vault.archive("clearlift", "ads.restatements").sealed == 0
    vault.postgres.execute("delete from ads.restatements")
    assert vault.restore("clearlift", "ads.restatements", "live").added == 2
    assert vault.postgres.fetch("select r::text as row from ads.restatements r order by id") == before
    assert vault.verify("clearlift", "ads.restatements").faults == []


def test_an_entry_needs_no_word_of_its_store() -> None:
    entry = Lifecycle("lake", "app.rows_*", "at", ("id",), archive=Archive(1, "org"), kept="yes")
    assert (entry.table, entry.is_family) == ("rows", True)
