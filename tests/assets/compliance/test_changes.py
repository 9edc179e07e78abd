"""Changes of personal rows reach the audit trail, each once, whatever kills or restores happen between."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets.apps.sesh import APP
from assets.audit import chain
from assets.changes.d1 import D1ChangeLog
from assets.compliance import changes
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.rooms import TestRooms
from tests.sql.sesh.database import migrated, put

NOW = datetime(2026, 7, 1, 2, tzinfo=UTC)


class KilledError(Exception):
    """As by kill -9, at this statement."""


@pytest.fixture
def rooms(postgres: Postgres, tmp_path: Path) -> Iterator[TestRooms]:
    d1 = migrated(tmp_path / "sesh.sqlite")
    yield TestRooms(NOW, postgres, FolderObjectStore(tmp_path / "r2"), d1s={"sesh": d1})
    d1.close()


def noted(rooms: TestRooms) -> Counter[tuple[str, str]]:
    with rooms.postgres.connection() as connection:
        entries = [noted.entry for noted in chain.entries(connection)]
    assert {(entry.app, entry.act, entry.store, tuple(entry.columns)) for entry in entries} <= {
        ("sesh", "changed", "d1", ())
    }
    found: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        found[entry.place, entry.work] += entry.rows or 0
    return found


def change(rooms: TestRooms, users: int, first: int = 0) -> None:
    for number in range(first, first + users):
        put(rooms.d1s["sesh"], "users", id=f"user-{number}")


def test_personal_rows_are_counted_by_table_and_kind_and_others_are_not(rooms: TestRooms) -> None:
    d1 = rooms.d1s["sesh"]
    change(rooms, 3)
    put(d1, "strains", id="s1")
    put(d1, "journal_entries", id="j1", userId="user-0")
    d1.execute("update users set displayName = 'A' where id in ('user-0', 'user-1')")
    d1.execute("delete from users where id = 'user-2'")
    expected = Counter(
        {("users", "insert"): 3, ("users", "update"): 2, ("users", "delete"): 1, ("journal_entries", "insert"): 1}
    )
    assert changes.follow(rooms, APP) == expected
    assert noted(rooms) == expected
    assert changes.follow(rooms, APP) == Counter()
    assert noted(rooms) == expected


def test_no_id_of_a_person_is_in_the_trail(rooms: TestRooms) -> None:
    change(rooms, 3)
    changes.follow(rooms, APP)
    text = rooms.postgres.fetch("select string_agg(e::text, ' ') as text from audit.entries e")[0]["text"]
    assert "users" in text
    assert "user-" not in text


def test_a_killed_run_counts_no_row_twice(rooms: TestRooms, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(changes, "PAGE", 2)
    change(rooms, 3)
    moves = 0

    def killed(*_: object) -> None:
        nonlocal moves
        moves += 1
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(D1ChangeLog, "move", killed)
        for _ in range(2):
            with pytest.raises(KilledError):
                changes.follow(rooms, APP)
    assert moves == 2
    change(rooms, 2, first=3)
    changes.follow(rooms, APP)
    assert noted(rooms) == Counter({("users", "insert"): 5})


def test_a_page_that_grew_since_the_kill_counts_only_what_is_new(
    rooms: TestRooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KilledError

    change(rooms, 2)
    with monkeypatch.context() as patch:
        patch.setattr(D1ChangeLog, "move", killed)
        with pytest.raises(KilledError):
            changes.follow(rooms, APP)
    change(rooms, 3, first=2)
    changes.follow(rooms, APP)
    assert noted(rooms) == Counter({("users", "insert"): 5})


def test_rows_of_a_log_that_was_restored_are_other_rows(rooms: TestRooms, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object) -> None:
        raise KilledError

    change(rooms, 2)
    with monkeypatch.context() as patch:
        patch.setattr(D1ChangeLog, "move", killed)
        with pytest.raises(KilledError):
            changes.follow(rooms, APP)
    # The database as it was before, in which other rows get the same numbers at another time.
    d1 = rooms.d1s["sesh"]
    d1.execute("delete from users")
    d1.execute("delete from change_log")
    d1.execute("delete from sqlite_sequence where name = 'change_log'")
    change(rooms, 2, first=10)
    d1.execute("update change_log set changed_at = '2030-01-01T00:00:00.000Z'")
    changes.follow(rooms, APP)
    assert noted(rooms) == Counter({("users", "insert"): 4})
