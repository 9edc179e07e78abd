"""Invalidation under any changes: no key that hangs on a changed row is left, and no other is gone."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from assets.apps.sesh import APP as SESH
from assets.cache import keys
from resources.d1 import Param, Statement
from tests.assets.cache.cache_aside_stores import CacheAsideStores, hanging, rows
from tests.sql.sesh.database import KEYS, inserted, last_id

OWNERS = {"products": "strainId", "inventory": "userId", "medical_symptoms": "userId", "journal_entries": "userId"}
# What no other row refers to may take another id.
RENAMED = ("products", "dispensaries", "inventory", "medical_symptoms", "journal_entries")


def row(table: str, number: int, owner: int, stamp: str) -> dict[str, Param]:
    owned = {OWNERS[table]: f"r{owner}"} if table in OWNERS else {}
    return {KEYS[table]: f"r{number}", "updatedAt": stamp, **owned}


def replace(table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    # A user with another's e-mail pushes that one out.
    email: dict[str, Param] = {"email": f"r{owner}@sesh.example"} if table == "users" else {}
    return [inserted(table, {**row(table, number, owner, stamp), **email}, "insert or replace")]


def upsert(table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    fresh = row(table, number, owner, stamp)
    changed = ", ".join(f"{name} = excluded.{name}" for name in fresh)
    insert = inserted(table, fresh)
    return [Statement(f"{insert.sql} on conflict ({KEYS[table]}) do update set {changed}", insert.params)]


def touch(table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    return [Statement(f"update {table} set updatedAt = ? where {KEYS[table]} = ?", [stamp, f"r{number}"])]


def touch_all(table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    return [Statement(f"update {table} set updatedAt = ?", [stamp])]


def move(table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    if table == "users":
        update = "update or replace users set updatedAt = ?, email = ? || '@sesh.example' where id = ?"
    elif table in OWNERS:
        update = f"update {table} set updatedAt = ?, {OWNERS[table]} = ? where id = ?"
    else:
        return touch(table, number, owner, stamp)
    return [Statement(update, [stamp, f"r{owner}", f"r{number}"])]


def another_id(table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    if table not in RENAMED:
        return touch(table, number, owner, stamp)
    update = f"update or replace {table} set updatedAt = ?, id = ? where id = ?"
    return [Statement(update, [stamp, f"r{owner}", f"r{number}"])]


def delete(table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    return [Statement(f"delete from {table} where {KEYS[table]} = ?", [f"r{number}"])]


def several(table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    first = delete(table, number, owner, stamp)
    return [*first, *replace(table, number, owner, stamp), *touch_all(table, number, owner, f"{stamp[:-1]}9Z")]


Change = Callable[[str, int, int, str], list[Statement]]
CHANGES: list[Change] = [replace, upsert, touch, touch_all, move, another_id, delete, several]
NUMBERS = st.integers(0, 3)
STEPS = st.lists(
    st.tuples(st.sampled_from(CHANGES), st.sampled_from(list(KEYS)), NUMBERS, NUMBERS), min_size=1, max_size=8
)


@settings(max_examples=60)
@given(steps=STEPS, page=st.integers(1, 4))
def test_no_dependent_key_is_left_and_no_other_is_gone(
    cache_aside_stores: CacheAsideStores, steps: list[tuple[Change, str, int, int]], page: int
) -> None:
    begin = "2026-03-20T00:00:00.000Z"
    fresh = [s for number in range(4) for table in KEYS for s in replace(table, number, number, begin)]
    cache_aside_stores.d1.batch([*(Statement(f"delete from {table}") for table in reversed(KEYS)), *fresh])
    cache_aside_stores.invalidate()
    templates = {template for aside in SESH.cache_aside for template in aside.keys}
    cached = {
        keys.filled(template, dict.fromkeys(keys.fields(template), f"r{number}"))
        for template in templates
        for number in range(4)
    }
    cache_aside_stores.fill({*cached, "strains:list", "strain:r0", "user:r0:preferences"})
    before = cache_aside_stores.keys()

    dependent: set[str] = set()
    was = rows(cache_aside_stores.d1)
    for serial, (change, table, number, owner) in enumerate(steps):
        # An owner that was deleted owns nothing more.
        referred = {"userId": "users", "strainId": "strains"}.get(OWNERS.get(table, ""), table)
        if table == "user_preferences":
            referred, owner = "users", number
        if change in (replace, upsert, move, several) and referred != table and (referred, f"r{owner}") not in was:
            continue
        cache_aside_stores.d1.batch(change(table, number, owner, f"2026-03-21T00:00:00.{serial:02}0Z"))
        now = rows(cache_aside_stores.d1)
        for place in was.keys() | now.keys():
            old, new = was.get(place), now.get(place)
            if old != new:
                dependent |= {key for found in (old, new) if found is not None for key in hanging(place[0], found)}
        was = now
    cache_aside_stores.invalidate(page)
    assert before - cache_aside_stores.keys() == dependent & before
    assert cache_aside_stores.place() == last_id(cache_aside_stores.d1)
