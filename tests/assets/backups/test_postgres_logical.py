"""A Postgres database by its rows: what is restored is what was there, and what cannot be is named."""

import random
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from assets.backups.making import Backup
from assets.backups.method import FullOnlyError, NotRestorableError, OccupiedError, Scope
from assets.backups.obstacles import InTheWayError
from assets.backups.parts import DamagedSetError, Draft
from assets.backups.postgres_database import DatabaseSchema
from assets.backups.postgres_logical import PostgresLogical
from assets.backups.target import StoreName, Target
from assets.privacy.tombstones import Tombstones
from clearlift_pipelines.stores import utc_now
from resources import migrations
from resources.declined import DeclinedError
from resources.postgres import Postgres
from tests.assets.backups import planted
from tests.assets.backups.growth_rows import (
    LEADS,
    SCHEMA,
    STATEMENTS,
    STORE,
    TRAIL,
    WINDOW,
    fresh,
    objects,
    restored,
    state,
    work,
)
from tests.assets.backups.sets_of import full, sets
from tests.databases import database, empty
from tests.filled import fill_postgres


@pytest.fixture(scope="module")
def template(postgres_server: str) -> Iterator[str]:
    """A database with every migration and no person."""
    with database(postgres_server) as dsn:
        with Postgres(dsn) as postgres:
            migrations.up(migrations.PostgresAppliedMigrations(postgres), SCHEMA.folder)
            empty(postgres, "marketing", "onboarding", "analytics", "experiments", "whatsapp")
        yield dsn


@pytest.fixture
def live(postgres_server: str, template: str) -> Iterator[Postgres]:
    with database(postgres_server, template) as dsn, Postgres(dsn) as postgres:
        yield postgres


@pytest.fixture
def stack(postgres_server: str) -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def method(live: Postgres, postgres_server: str, stack: ExitStack) -> PostgresLogical:
    return PostgresLogical(STORE, live, SCHEMA, lambda _: fresh(postgres_server, stack))


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return planted.target(tmp_path / "r2")


@pytest.mark.parametrize("moments", [3, pytest.param(20, marks=pytest.mark.soak)])
def test_each_backup_among_random_transactions_comes_back_row_for_row(
    moments: int, method: PostgresLogical, live: Postgres, target: Target
) -> None:
    choose = random.Random(moments)
    made = []
    for _ in range(moments):
        work(live, choose)
        made.append((full(method, target), state(live)))
    for manifest, seen in made:
        place = method.place("back")
        assert method.is_empty(place)
        restored(method, target, manifest, place)
        assert state(place) == seen
        assert objects(place) == objects(live)
        assert not method.is_empty(place)
    newest = method.chain(sets(method, target), None)
    assert newest == method.chain(sets(method, target), made[-1][0].moment) == (made[-1][0],)
    with pytest.raises(NotRestorableError):
        method.chain(sets(method, target), "1:2:")
    with pytest.raises(FullOnlyError):
        method.incremental(Draft(target, STORE, "x"), made[0][0])
    daily = [Backup(target, method, utc_now).run() for _ in range(2)]
    assert [(one.manifest.kind, one.full_because) for one in daily] == [("full", "")] * 2


def test_our_own_database_comes_back_at_the_migration_that_it_had(
    postgres_server: str, stack: ExitStack, target: Target
) -> None:
    folder = "pipelines/postgres"
    ours = fresh(postgres_server, stack)
    applied = migrations.PostgresAppliedMigrations(ours)
    migrations.up(applied, folder, to=19)
    fill_postgres(ours)
    method = PostgresLogical(
        StoreName("pipelines", "postgres"), ours, DatabaseSchema(folder), lambda _: fresh(postgres_server, stack)
    )
    manifest = full(method, target)
    assert manifest.facts["migration"] == "019"
    assert "left_out" not in manifest.facts
    place = method.place("back")
    restored(method, target, manifest, place)
    assert state(place) == state(ours)
    assert objects(place) == objects(ours)
    assert migrations.up(migrations.PostgresAppliedMigrations(place), folder)[0].startswith("020")


def test_people_who_were_erased_stay_away_with_all_that_went_with_them(
    method: PostgresLogical, live: Postgres, target: Target
) -> None:
    for statement in STATEMENTS[:4]:
        live.execute(statement)
    manifest = full(method, target)
    (one, other) = live.fetch("select id::text, email_key from marketing.leads order by id limit 2")
    people = Tombstones.of(("lead", one["id"]), ("lead", other["email_key"]), ("user", "x"))
    place = method.place("back")
    # Two leads; two interactions and two sessions that name one of them, and an activity that goes with a session.
    live.execute("delete from onboarding.sessions where lead_id = %s", (one["id"],))
    live.execute("delete from marketing.leads where id::text = %s or email_key = %s", (one["id"], other["email_key"]))
    assert restored(method, target, manifest, place, Scope(erased=people)) == 6
    # Of the live sessions, a trigger says when one was emptied.
    not_compared = {"onboarding.sessions": None, **TRAIL}
    assert state(place) | not_compared == state(live) | not_compared
    for table in ("marketing.lead_interactions", "marketing.leads"):
        assert place.fetch(f"select count(*) as n from {table}") == [{"n": 3}]
    assert restored(method, target, manifest, live, Scope(erased=people, live=True)) == 6
    assert state(place) | TRAIL == state(live) | TRAIL


def test_what_is_live_is_replaced_but_for_what_must_not_be_forgotten(
    method: PostgresLogical, live: Postgres, target: Target
) -> None:
    (kept,), remembered = SCHEMA.kept, "pipelines.rate_limits"
    changes = "select count(*) as n from pipelines.audit_log"
    work(live, random.Random(1))
    live.execute(LEADS)
    live.execute(
        f"insert into {remembered} (client, minute, n) values (sha256('a'), now(), 1), (sha256('b'), now(), 1)"
    )
    manifest, seen = full(method, target), state(live)
    live.execute("delete from pipelines.stale_windows")
    live.execute(WINDOW)
    live.execute(f"delete from {remembered} where client = sha256('a')")
    live.execute(f"insert into {remembered} (client, minute, n) values (sha256('c'), now(), 1)")
    live.execute("delete from marketing.leads")
    with pytest.raises(OccupiedError):
        method.restore(target, (manifest,), live, Scope())
    known = live.fetch(changes)
    restored(method, target, manifest, live, Scope(live=True))
    not_compared = {kept: None, remembered: None, **TRAIL}
    assert state(live) | not_compared == seen | not_compared
    assert live.fetch(changes) == known != [{"n": 0}]
    assert live.fetch(f"select count(*) as n from {remembered}") == [{"n": 3}]
    assert live.fetch(f"select count(*) as n from {kept}") == [{"n": 1}]
    with pytest.raises(NotRestorableError, match="stays as it is in the live growth/postgres"):
        method.restore(target, (manifest,), live, Scope(tables=(kept,), live=True))
    # Its triggers work again.
    with pytest.raises(psycopg.errors.CheckViolation):
        live.execute("insert into marketing.leads (email, source) values ('none', 'referral')")


def test_single_tables_come_back_beside_newer_rows_or_into_a_new_place(
    method: PostgresLogical, live: Postgres, target: Target
) -> None:
    for statement in STATEMENTS[:4]:
        live.execute(statement)
    manifest, seen = full(method, target), state(live)
    live.execute("update marketing.lead_interactions set notes = 'wrong'")
    live.execute("update marketing.leads set name = 'newer'")
    live.execute(
        "delete from marketing.lead_interactions where id in (select id from marketing.lead_interactions limit 2)"
    )
    scope = Scope(tables=("marketing.lead_interactions",))
    with pytest.raises(OccupiedError):
        method.restore(target, (manifest,), live, scope)
    restored(method, target, manifest, live, Scope(tables=scope.tables, live=True))
    assert state(live)["marketing.lead_interactions"] == seen["marketing.lead_interactions"]
    assert state(live)["marketing.leads"] != seen["marketing.leads"]
    (newer,) = live.fetch("select id from marketing.leads limit 1")
    live.execute("insert into marketing.lead_interactions (lead_id, kind) values (%s, 'call')", (newer["id"],))
    restored(method, target, manifest, live, Scope(tables=scope.tables, live=True))
    assert live.fetch("select kind from marketing.lead_interactions where kind = 'call'") == [{"kind": "call"}]
    place = method.place("beside")
    restored(method, target, manifest, place, scope)
    assert state(place)["marketing.lead_interactions"] == seen["marketing.lead_interactions"]
    assert state(place)["marketing.leads"][0] == 0
    with pytest.raises(NotRestorableError, match=r"marketing\.nothing: not in this set"):
        method.restore(target, (manifest,), live, Scope(tables=("marketing.nothing",), live=True))
    live.execute("delete from marketing.leads")
    with pytest.raises(
        InTheWayError, match=r"5 rows of marketing\.lead_interactions refer by lead_interactions_lead_id_fkey"
    ):
        method.restore(target, (manifest,), live, Scope(tables=scope.tables, live=True))


def test_all_of_single_owners_comes_back_beside_what_is_live(
    method: PostgresLogical, live: Postgres, target: Target
) -> None:
    for statement in STATEMENTS[:4]:
        live.execute(statement)
    manifest, seen = full(method, target), state(live)
    one, two, three, other = (
        row["id"] for row in live.fetch("select id::text from marketing.leads order by id limit 4")
    )
    live.execute("delete from onboarding.sessions")
    live.execute("delete from marketing.leads where id = any(%s::uuid[])", ([one, two],))
    live.execute("update marketing.leads set name = 'newer'")
    people = Tombstones.of(("lead", two))
    scope = Scope(owners=(one, two, three), erased=people, live=True)
    done = method.restore(target, (manifest,), live, scope)
    came = {table.name: table.rows for table in done.tables if table.rows}
    assert came == {
        "marketing.lead_interactions": 1,
        "marketing.leads": 2,
        "onboarding.sessions": 2,
        "onboarding.step_activities": 2,
    }
    # A lead, its interaction and its session; the activity of that goes with it.
    assert done.erased == 3
    assert list(method.differences(live, done)) == []
    names = live.fetch("select id::text, name from marketing.leads where id = any(%s::uuid[])", ([one, three, other],))
    assert {row["id"]: row["name"] for row in names} == {one: None, three: None, other: "newer"}
    place = method.place("beside")
    restored(method, target, manifest, place, Scope(owners=(one,)))
    assert state(place)["marketing.leads"][0] == state(place)["onboarding.step_activities"][0] == 1
    assert seen["onboarding.step_activities"][0] == 3


def test_what_a_backup_cannot_have_or_give_back_is_named(
    postgres_server: str, method: PostgresLogical, live: Postgres, target: Target
) -> None:
    live.execute("create table public.by_hand (a int); insert into public.by_hand values (1), (2)")
    live.execute("create index by_hand_too on marketing.leads (name)")
    manifest = full(method, target)
    place = method.place("back")
    done = method.restore(target, (manifest,), place, Scope())
    assert list(method.differences(place, done)) == []
    assert done.without_place == {"public.by_hand": 2}
    (note,) = done.notes
    assert note.startswith("2 rows of public.by_hand did not come back, because no migration makes this table. Next: ")
    assert note.endswith("let a migration make it, and restore into a new place")
    live.execute("drop table public.by_hand")
    scope = Scope(live=True)
    (note,) = method.restore(target, (manifest,), live, scope).notes
    assert "Next: make the table as it was, and run this restore again" in note
    live.execute("create table public.by_hand (a int)")
    assert method.restore(target, (manifest,), live, scope).notes == ()
    assert live.fetch("select count(*) as n from public.by_hand") == [{"n": 2}]
    assert done.left_out == (
        "column public.by_hand.a integer",
        "index marketing.by_hand_too",
        "table public.by_hand",
    )
    role = f"reader_{urlsplit(live.dsn).path[1:]}"
    live.execute(f"create role {role} login")
    with (
        Postgres(live.dsn.replace("postgres@", f"{role}@")) as reader,
        pytest.raises(DeclinedError, match="no right to read which migrations were applied"),
    ):
        full(PostgresLogical(STORE, reader, SCHEMA, method.place), target)
    live.execute(f"""grant usage on schema marketing, pipelines, onboarding to {role};
        grant select on all tables in schema marketing, pipelines to {role}""")
    try:
        with Postgres(live.dsn.replace("postgres@", f"{role}@")) as reader:
            partly = PostgresLogical(STORE, reader, SCHEMA, method.place)
            manifest = full(partly, target)
            assert "marketing.leads: row-level security hides rows of it" in manifest.facts["left_out"]
            place = method.place("back")
            wrong = list(partly.differences(place, partly.restore(target, (manifest,), place, Scope())))
        assert (
            "the rows of marketing.leads are in no backup: row-level security hides rows of it from the login" in wrong
        )
        assert "the rows of onboarding.sessions are in no backup: the login has no right to read it" in wrong
    finally:
        live.execute(f"drop owned by {role}; drop role {role}")


def test_a_set_of_a_newer_schema_names_the_release_that_takes_it(
    method: PostgresLogical, live: Postgres, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = full(method, target)
    known = migrations.load(SCHEMA.folder)
    monkeypatch.setattr("resources.migrations.load", lambda _: known[:-1])
    said = rf"made at migration {len(known):03} .* ends at {len(known) - 1:03}.*release 0\.1\.0"
    with pytest.raises(NotRestorableError, match=said):
        method.restore(target, (manifest,), method.place("back"), Scope())


def test_a_migration_in_between_is_seen(
    method: PostgresLogical, live: Postgres, target: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter([5, 6])
    monkeypatch.setattr(DatabaseSchema, "number", lambda *_: next(numbers))
    with pytest.raises(DeclinedError, match="was migrated while its backup began"):
        full(method, target)


def test_a_place_that_holds_the_same_is_done_and_one_that_holds_something_else_is_not_touched(
    method: PostgresLogical, live: Postgres, target: Target
) -> None:
    live.execute(LEADS)
    manifest, place = full(method, target), method.place("back")
    restored(method, target, manifest, place)
    restored(method, target, manifest, place)
    place.execute("update marketing.leads set name = 'theirs'")
    changed = state(place)
    with pytest.raises(OccupiedError, match="is not empty, and holds something else"):
        restored(method, target, manifest, place)
    assert state(place) == changed


def test_a_damaged_part_undoes_the_restore(method: PostgresLogical, live: Postgres, target: Target) -> None:
    live.execute(LEADS)
    manifest = full(method, target)
    (part,) = (part for part in manifest.parts if part.table == "marketing.leads")
    key = target.key(STORE, manifest.id, part.name)
    data = target.objects.get(key)
    target.objects.put(key, data[:-1] + bytes([data[-1] ^ 1]))
    before = state(live)
    with pytest.raises(DamagedSetError, match=part.name):
        method.restore(target, (manifest,), live, Scope(live=True))
    assert state(live) == before


@pytest.mark.parametrize("name", ["", "a b", "Upper", "é", "9a", "a;b"])
def test_a_place_is_a_plain_name(method: PostgresLogical, name: str) -> None:
    with pytest.raises(DeclinedError, match="names no database"):
        method.place(name)


def test_a_drill_gets_a_server_of_its_own(method: PostgresLogical, tmp_path: Path) -> None:
    with method.scratch(tmp_path) as place:
        assert method.is_empty(place)
        assert not method.is_empty(method.live())
    assert not (tmp_path / "postgres" / "postmaster.pid").exists()
