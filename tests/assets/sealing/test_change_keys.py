"""The change of keys leaves every row readable at every moment, and ends the same after any kill."""

import itertools
from contextlib import suppress
from pathlib import Path

import pytest

from assets.sealing.change_keys import Changed, change_key
from assets.sealing.d1 import D1Fields
from assets.sealing.fields import Field
from assets.sealing.lookup import ids_of
from assets.sealing.move import Sealer
from resources.d1 import EmbeddedD1
from resources.keyring import Keyring
from tests.assets.sealing.columns import FIELDS, RING, Column, Interrupted, database

ROWS = 7
FIELD = FIELDS["sesh users.emailEncrypted"]
NEW = RING.with_new_key()


class StoppedError(Exception):
    """The change was killed."""


@pytest.fixture
def users(tmp_path: Path) -> EmbeddedD1:
    """Users with sealed addresses, and one that is still in clear."""
    d1 = database(tmp_path, "sesh")
    d1.upsert("users", ["id", "email"], [[f"p{n}", f"p{n}@x.example"] for n in range(ROWS)], ["id"])
    Sealer(D1Fields(d1), RING).move(FIELD)
    d1.execute("insert into users (id, email) values ('clear', 'clear@x.example')")
    return d1


def check(d1: EmbeddedD1, ring: Keyring) -> None:
    """Every address is read from its row, and the row is found by it."""
    for n in range(ROWS):
        (row,) = d1.query("select emailEncrypted as sealed from users where id = ?", [f"p{n}"])
        assert ring.open_text(row["sealed"].lstrip("."), **FIELD.place, row=f"p{n}") == f"p{n}@x.example"
        assert ids_of(D1Fields(d1), FIELD, ring, f"P{n}@X.example") == [f"p{n}"]


@pytest.mark.parametrize("page", [1, 3])
def test_a_kill_at_each_row_leaves_each_row_readable(users: EmbeddedD1, page: int) -> None:
    ring = NEW
    for stop in range(2 * ROWS + 4):
        calls = itertools.count()

        def before_call(stop: int = stop, calls: "itertools.count[int]" = calls, ring: Keyring = ring) -> None:
            check(users, ring)
            if next(calls) == stop:
                raise StoppedError

        with suppress(StoppedError):
            change_key(Interrupted(D1Fields(users, page=page), before_call), FIELD, ring)
        check(users, ring)
        change_key(D1Fields(users, page=page), FIELD, ring)
        assert D1Fields(users).keys(FIELD) == {ring.newest: 2 * (ROWS + 2)}
        ring = ring.with_new_key()


def test_only_the_newest_key_opens_what_was_changed_and_a_second_run_finds_nothing(users: EmbeddedD1) -> None:
    assert change_key(D1Fields(users), FIELD, NEW) == Changed(ROWS + 2, 0)
    assert change_key(D1Fields(users), FIELD, NEW) == Changed(0, 0)
    check(users, NEW.without(1))


def test_two_changes_at_once_end_the_same(users: EmbeddedD1) -> None:
    def other() -> None:
        change_key(D1Fields(users, page=2), FIELD, NEW)

    change_key(Interrupted(D1Fields(users, page=2), other), FIELD, NEW)
    check(users, NEW.without(1))


def test_a_value_that_was_noted_stays_noted(users: EmbeddedD1) -> None:
    def kill() -> None:
        if D1Fields(users).keys(FIELD).get(1, 0) > 2 * (ROWS + 2):
            raise StoppedError

    with suppress(StoppedError):
        Sealer(Interrupted(D1Fields(users), kill), RING).move(FIELD)
    (row,) = users.query("select email, emailEncrypted as sealed from users where id = 'clear'")
    assert (row["email"], row["sealed"][0]) == ("clear@x.example", ".")
    change_key(D1Fields(users), FIELD, NEW)
    (row,) = users.query("select email, emailEncrypted as sealed from users where id = 'clear'")
    assert (row["email"], row["sealed"][0]) == ("clear@x.example", ".")
    moved = Sealer(D1Fields(users), NEW.without(1)).move(FIELD)
    assert (moved.sealed, moved.blanked) == (0, 1)


def test_what_no_key_opens_is_counted_and_left(users: EmbeddedD1) -> None:
    lost = Keyring({9: b"9" * 32}).seal_text("x", **FIELD.place, row="p0")
    for value in (lost, "no sealed value"):
        users.execute("update users set emailEncrypted = ? where id = 'p0'", [value])
        assert change_key(D1Fields(users), FIELD, NEW).unopened == 1
        (row,) = users.query("select emailEncrypted as sealed from users where id = 'p0'")
        assert row["sealed"] == value
    assert D1Fields(users).keys(FIELD)[None] == 1


def test_a_writer_between_reading_and_writing_keeps_its_value(users: EmbeddedD1) -> None:
    one = Column(users, FIELD, NEW)

    class Late(Interrupted):
        def seal_again(self, field: Field, changes: object) -> int:
            one.write("Late@x.example")
            return super().seal_again(field, changes)  # type: ignore[arg-type]

    change_key(Late(D1Fields(users), lambda: None), FIELD, NEW)
    assert one.read() == "Late@x.example"
    assert one.found_by("late@x.example")
