"""Random changes of an app's rows, and whether invalidation leaves just the keys that depend on none of them.

What belongs here: the changes, for rows 0 to 3 of each table, and the comparison. What does not: the rows of one app.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from assets.apps import App
from assets.cache import keys
from resources.d1 import D1Error, Param, Statement
from tests.assets.cache.cache_aside_stores import CacheAsideStores, hanging, rows

BEGIN = "2026-03-20T00:00:00.000Z"


@dataclass(frozen=True)
class Shape:
    """The tables of an app, parents first, with their keys, and how the rows that a number names look.

    touched: the column with the time of the last change. inserted: the statement that inserts a row (table, values,
    verb). field: the value that a column has for a number. owned: the columns of a row that another number decides.
    renamed: tables whose rows may take another key. replaced: tables that may be written by `insert or replace`.
    """

    app: App
    keys: Mapping[str, str]
    touched: str
    inserted: Callable[[str, dict[str, Param], str], Statement]
    field: Callable[[str, int], Param]
    owned: Callable[[str, int], dict[str, Param]]
    renamed: frozenset[str]
    replaced: frozenset[str]

    def row(self, table: str, number: int, owner: int, stamp: str) -> dict[str, Param]:
        key = self.keys[table]
        return {key: self.field(key, number), self.touched: stamp, **self.owned(table, owner)}


def replace(shape: Shape, table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    if table not in shape.replaced:
        return upsert(shape, table, number, owner, stamp)
    return [shape.inserted(table, shape.row(table, number, owner, stamp), "insert or replace")]


def upsert(shape: Shape, table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    fresh = shape.row(table, number, owner, stamp)
    changed = ", ".join(f"{name} = excluded.{name}" for name in fresh)
    insert = shape.inserted(table, fresh, "insert")
    return [Statement(f"{insert.sql} on conflict ({shape.keys[table]}) do update set {changed}", insert.params)]


def touch(shape: Shape, table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    key = shape.keys[table]
    return [Statement(f"update {table} set {shape.touched} = ? where {key} = ?", [stamp, shape.field(key, number)])]


def touch_all(shape: Shape, table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    return [Statement(f"update {table} set {shape.touched} = ?", [stamp])]


def move(shape: Shape, table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    values = {shape.touched: stamp, **shape.owned(table, owner)}
    return [_updated(shape, table, number, values)]


def another_key(shape: Shape, table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    if table not in shape.renamed:
        return touch(shape, table, number, owner, stamp)
    key = shape.keys[table]
    return [_updated(shape, table, number, {shape.touched: stamp, key: shape.field(key, owner)})]


def delete(shape: Shape, table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    key = shape.keys[table]
    return [Statement(f"delete from {table} where {key} = ?", [shape.field(key, number)])]


def several(shape: Shape, table: str, number: int, owner: int, stamp: str) -> list[Statement]:
    first = delete(shape, table, number, owner, stamp)
    then = replace(shape, table, number, owner, stamp)
    return [*first, *then, *touch_all(shape, table, number, owner, f"{stamp[:-2]}9Z")]


Change = Callable[[Shape, str, int, int, str], list[Statement]]
CHANGES: list[Change] = [replace, upsert, touch, touch_all, move, another_key, delete, several]
NUMBERS = st.integers(0, 3)
Step = tuple[Change, str, int, int]


def steps(shape: Shape) -> SearchStrategy[list[Step]]:
    """One to eight changes, each of one row or of all rows of a table."""
    one = st.tuples(st.sampled_from(CHANGES), st.sampled_from(list(shape.keys)), NUMBERS, NUMBERS)
    return st.lists(one, min_size=1, max_size=8)


def leaves_just_what_hangs_on_nothing_changed(
    shape: Shape, stores: CacheAsideStores, made: list[Step], page: int, others: set[str]
) -> None:
    """Fill the tables and the namespace (`others`: keys that depend on no row), change, invalidate, and compare."""
    fresh = [s for number in range(4) for table in shape.keys for s in replace(shape, table, number, number, BEGIN)]
    stores.d1.batch([*(Statement(f"delete from {table}") for table in reversed(list(shape.keys))), *fresh])
    stores.invalidate()
    templates = {template for aside in shape.app.cache_aside for template in aside.keys}
    cached = {
        keys.filled(template, {name: shape.field(name, number) for name in keys.fields(template)})
        for template in templates
        for number in range(4)
    }
    stores.fill(cached | others)
    before = stores.keys()

    dependent: set[str] = set()
    was = rows(stores.d1, shape.keys)
    for serial, (change, table, number, owner) in enumerate(made):
        # Refused: an owner that was deleted owns nothing more, and no two rows have what one row alone may have.
        with suppressed("FOREIGN KEY constraint failed", "UNIQUE constraint failed"):
            stores.d1.batch(change(shape, table, number, owner, f"2026-03-21T00:00:00.{serial:02}0Z"))
        now = rows(stores.d1, shape.keys)
        for place in was.keys() | now.keys():
            old, new = was.get(place), now.get(place)
            if old != new:
                found = (row for row in (old, new) if row is not None)
                dependent |= {key for row in found for key in hanging(place[0], row, shape.app)}
        was = now
    stores.invalidate(page)
    assert before - stores.keys() == dependent & before


@contextmanager
def suppressed(*reasons: str) -> Iterator[None]:
    """Around a change that D1 may refuse for one of some reasons; then nothing has changed."""
    try:
        yield
    except D1Error as error:
        if not any(reason in error.message for reason in reasons):
            raise


def _updated(shape: Shape, table: str, number: int, values: dict[str, Param]) -> Statement:
    """The update of one row, which deletes rows in its way where the table may be written so."""
    verb = "update or replace" if table in shape.replaced else "update"
    key, changed = shape.keys[table], ", ".join(f"{name} = ?" for name in values)
    return Statement(f"{verb} {table} set {changed} where {key} = ?", [*values.values(), shape.field(key, number)])
