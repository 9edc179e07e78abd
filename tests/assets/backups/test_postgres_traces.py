"""Our own Postgres restored from a backup of before an erasure: hashes and texts of the person do not come back."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from assets.apps import APPS
from assets.apps.clearlift import APP
from assets.backups import noted
from assets.backups.method import Scope
from assets.backups.postgres_logical import PostgresLogical
from assets.backups.postgres_schemas import OURS
from assets.backups.restore import Done, Restore
from assets.backups.target import StoreName, Target
from assets.erasure.hashed import subjects_of
from assets.privacy.identity import Identity
from assets.privacy.tombstones import Tombstones
from resources.postgres import Postgres
from tests.assets.backups import planted
from tests.assets.backups.sets_of import full, sets
from tests.databases import database
from tests.filled import fill_postgres

STORE = StoreName("pipelines", "postgres")
ANNA, BERT = "visitor-of-anna-7c1f", "visitor-of-bert-8d2a"
TAG = "a3f7c2"
HASHED = ("sessions.daily", "attribution.touches", "attribution.conversions", "attribution.sign_ins", "consent.choices")


def identity(id_: str) -> Identity:
    return Identity("r", "clearlift", {"visitor": frozenset({id_})})


def hash_of(id_: str) -> str:
    ((_, text),) = subjects_of(APP, identity(id_), [TAG])
    return text


def another(postgres: Postgres, table: str, **values: Any) -> None:
    """A row like the one that is there, with other values."""
    postgres.execute(
        f"insert into {table} select (jsonb_populate_record(t, %s::jsonb)).* from {table} t limit 1",
        (json.dumps(values),),
    )


@pytest.fixture
def ours(postgres_server: str, postgres: Postgres) -> Iterator[tuple[Postgres, PostgresLogical]]:
    """Our database with rows of two visitors, and its method, whose places are further databases."""
    with ExitStack() as stack:

        def place(_name: str) -> Postgres:
            return stack.enter_context(Postgres(stack.enter_context(database(postgres_server))))

        OURS.rest(postgres)
        fill_postgres(postgres)
        for number, id_ in enumerate((ANNA, BERT)):
            of = {"org_tag": TAG, "visitor": hash_of(id_), "day": f"2026-04-0{number + 1}"}
            another(postgres, "sessions.daily", **of, landing_path=f"/hello/{id_}?x")
            another(postgres, "attribution.touches", **of)
            another(postgres, "attribution.conversions", **of, browser=hash_of(id_), event=f"\\x0{number}")
            another(postgres, "attribution.sign_ins", **of, person=hash_of(id_))
            another(postgres, "consent.choices", org_tag=TAG, subject=hash_of(id_))
            another(postgres, "rollups.daily_pages", org_tag=TAG, page_path=f"/p/{id_.replace('-', '%2D')}/x")
            another(postgres, "cache.reads", key=f"user:{id_}:a")
        yield postgres, PostgresLogical(STORE, postgres, OURS, place)


def restored(method: PostgresLogical, target: Target, place: Postgres, postgres: Postgres | None) -> Done:
    restore = Restore(target, method, APPS, postgres)
    done = restore.into(place, method.chain(sets(method, target), None), Scope())
    assert list(method.differences(place, done.restored)) == []
    return done


def naming(postgres: Postgres, id_: str) -> list[str]:
    """The tables with the hash of an id, or a text that has it."""
    found = []
    for row in postgres.fetch(
        "select schemaname || '.' || tablename as name from pg_tables where schemaname !~ '^pg_'"
    ):
        texts = postgres.fetch(f"select to_jsonb(t)::text as text from {row['name']} t")
        forms = (id_, id_.replace("-", "%2D"), hash_of(id_).removeprefix("\\x"))
        found += [row["name"] for text in texts if any(form in text["text"] for form in forms)]
    return sorted(found)


def test_hashes_and_texts_of_who_was_erased_since_stay_away(
    ours: tuple[Postgres, PostgresLogical], tmp_path: Path
) -> None:
    """The database that knew of the erasure is lost: the notes beside the backups say it."""
    postgres, method = ours
    target = planted.target(tmp_path / "sets")
    full(method, target)
    everywhere = naming(postgres, ANNA)
    assert set(everywhere) == {*HASHED, "rollups.daily_pages", "cache.reads"}
    subjects = [("visitor", ANNA), *subjects_of(APP, identity(ANNA), [TAG, "b8e9d1"])]
    noted.note(target, "clearlift", datetime.now(UTC), subjects)
    place = method.place("back")
    done = restored(method, target, place, None)
    assert naming(place, ANNA) == []
    assert naming(place, BERT) == naming(postgres, BERT)
    assert done.restored.erased == 5  # of a conversion and of roll-ups the rows stay
    count = "select count(*) as n from attribution.conversions"
    assert place.fetch(count) == postgres.fetch(count)
    (page,) = place.fetch("select page_path from rollups.daily_pages where page_path like '[erased]%%'")
    assert page
    with place.connection() as connection:
        people = Tombstones.locked(connection, "clearlift", lambda: target.keyring)
        assert people.holds("visitor", ANNA)
        assert not people.may_hold("hash")


def test_rows_that_are_put_beside_others_leave_them_out_too(
    ours: tuple[Postgres, PostgresLogical], tmp_path: Path
) -> None:
    postgres, method = ours
    target = planted.target(tmp_path / "sets")
    manifest = full(method, target)
    postgres.execute("delete from sessions.daily; delete from attribution.conversions; delete from rollups.daily_pages")
    erased = Tombstones.of(("visitor", ANNA), *subjects_of(APP, identity(ANNA), [TAG]))
    tables = ("attribution.conversions", "rollups.daily_pages", "sessions.daily")
    done = method.restore(target, (manifest,), postgres, Scope(tables=tables, live=True, erased=erased))
    assert not set(tables) & set(naming(postgres, ANNA))
    assert set(tables) <= set(naming(postgres, BERT))
    assert done.erased == 1
