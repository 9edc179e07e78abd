"""What was done to the trail shows: by the chain itself, or by the heads in R2."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.audit import chain, heads
from assets.audit.chain import Head, Verified
from assets.audit.entry import Entry, link
from assets.audit.note import append, note
from tests.assets.audit.conftest import NOW
from tests.rooms import TestRooms

READ = Entry("clearlift", "clearlift quarantine list", "read", "r2", "quarantine/events/", ("content",), 3)
TODAY = NOW.date()
INSERTED = """
insert into audit.entries
select 3, at, app, actor, work, act, store, place, columns, 7, subject, hash from audit.entries where seq = 2
"""
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
ENTRIES = st.builds(
    Entry,
    TEXTS,
    TEXTS,
    st.sampled_from(["read", "changed"]),
    TEXTS,
    TEXTS,
    st.lists(TEXTS, max_size=3),
    st.none() | st.integers(0, 2**63 - 1),
    st.none() | st.binary(min_size=32, max_size=32).map(bytes.hex),
    TEXTS,
)


def trail(rooms: TestRooms, entries: int = 6) -> None:
    for number in range(entries):
        note(rooms, replace(READ, rows=number))


def verified(rooms: TestRooms) -> Verified:
    return chain.verify(rooms.postgres, list(heads.heads(rooms.object_store)))


def tamper(rooms: TestRooms, *statements: str) -> None:
    """As somebody who owns the table, and turned its trigger off."""
    with rooms.postgres.connection() as connection:
        connection.execute("alter table audit.entries disable trigger append_only")
        for statement in statements:
            connection.execute(statement.encode())
        connection.execute("alter table audit.entries enable trigger append_only")


def keep_head(rooms: TestRooms, day: date = TODAY) -> None:
    with rooms.postgres.connection() as connection:
        heads.put(rooms.object_store, day, chain.head(connection))


@given(entries=st.lists(ENTRIES, min_size=1, max_size=4), at=st.datetimes(timezones=st.just(UTC)))
def test_postgres_and_python_make_the_same_hash_of_any_entry(
    rooms: TestRooms, entries: list[Entry], at: datetime
) -> None:
    with rooms.postgres.connection() as connection:
        before = chain.head(connection)
        append(connection, entries, at)
        after = chain.head(connection)
        connection.rollback()
    expected = before.hash
    for seq, entry in enumerate(entries, before.seq + 1):
        expected = link(expected, seq, at, entry)
    assert after == Head(before.seq + len(entries), expected)


def test_entries_come_back_as_they_were_noted(rooms: TestRooms) -> None:
    entries = [READ, Entry("sesh", "job", "changed", "d1", "users", subject="ab" * 32)]
    note(rooms, *entries)
    with rooms.postgres.connection() as connection:
        found = list(chain.entries(connection))
    assert [(noted.seq, noted.at) for noted in found] == [(1, NOW), (2, NOW)]
    assert [replace(noted.entry, columns=tuple(noted.entry.columns)) for noted in found] == entries


def test_a_whole_trail_has_no_fault(rooms: TestRooms) -> None:
    trail(rooms)
    keep_head(rooms)
    done = verified(rooms)
    assert (done.entries, done.heads, done.head.seq, done.faults) == (6, 1, 6, [])


@pytest.mark.parametrize(
    ("statements", "fault"),
    [
        (["update audit.entries set rows = 99 where seq = 3"], "entry 3 does not follow"),
        (["update audit.entries set actor = 'somebody' where seq = 6"], "entry 6 does not follow"),
        (["update audit.entries set at = at + interval '1 microsecond' where seq = 1"], "entry 1 does not follow"),
        (["update audit.entries set hash = sha256('') where seq = 2"], "entry 2 does not follow"),
        (["delete from audit.entries where seq = 3"], "1 entry is missing before entry 4"),
        (["delete from audit.entries where seq <= 2"], "2 entries are missing before entry 3"),
        (
            [
                "delete from audit.entries where seq = 3",
                "update audit.entries set seq = seq - 1 where seq = 4",
                "update audit.entries set seq = seq - 1 where seq = 5",
                "update audit.entries set seq = seq - 1 where seq = 6",
            ],
            "entry 3 does not follow",
        ),
        (
            [
                "update audit.entries set seq = -seq where seq >= 3",
                "update audit.entries set seq = 1 - seq where seq < 0",
                INSERTED,
            ],
            "entry 3 does not follow",
        ),
        (
            [
                "update audit.entries set seq = 100 where seq = 2",
                "update audit.entries set seq = 2 where seq = 5",
                "update audit.entries set seq = 5 where seq = 100",
            ],
            "entry 2 does not follow",
        ),
    ],
    ids=["count", "actor", "moment", "hash", "removed", "beginning", "closed-up", "inserted", "swapped"],
)
def test_what_was_done_to_an_entry_shows(rooms: TestRooms, statements: list[str], fault: str) -> None:
    trail(rooms)
    tamper(rooms, *statements)
    assert any(fault in found for found in verified(rooms).faults)


def test_a_cut_tail_shows_by_the_head(rooms: TestRooms) -> None:
    trail(rooms)
    keep_head(rooms)
    tamper(rooms, "delete from audit.entries where seq > 4")
    assert verified(rooms).faults == ["audit/heads/2026-07-01.json has entry 6: the trail ends before it"]
    # And when others were noted since.
    trail(rooms, 3)
    assert verified(rooms).faults == ["audit/heads/2026-07-01.json has another entry 6: the trail was written again"]


def test_a_trail_that_was_written_again_whole_shows_by_the_heads_alone(rooms: TestRooms) -> None:
    trail(rooms)
    keep_head(rooms)
    tamper(rooms, "truncate audit.entries")
    for _ in range(8):
        note(rooms, replace(READ, actor="somebody else"))
    assert chain.verify(rooms.postgres, []).faults == []
    assert verified(rooms).faults == ["audit/heads/2026-07-01.json has another entry 6: the trail was written again"]


def test_an_emptied_trail_shows(rooms: TestRooms) -> None:
    trail(rooms)
    keep_head(rooms)
    tamper(rooms, "truncate audit.entries")
    assert verified(rooms).faults == ["audit/heads/2026-07-01.json has entry 6: the trail ends before it"]


def test_the_head_of_a_day_is_never_written_twice(rooms: TestRooms) -> None:
    trail(rooms, 1)
    keep_head(rooms)
    trail(rooms, 1)
    keep_head(rooms)
    keep_head(rooms, TODAY + timedelta(days=1))
    assert [(head.name, head.seq) for head in heads.heads(rooms.object_store)] == [
        ("audit/heads/2026-07-01.json", 1),
        ("audit/heads/2026-07-02.json", 2),
    ]


@pytest.mark.parametrize("text", [b"", b"[]", b'{"seq": 1}', b'{"seq": 1, "hash": "no"}', b"\xff"])
def test_a_head_that_cannot_be_read_is_named(rooms: TestRooms, text: bytes) -> None:
    rooms.object_store.put("audit/heads/2026-07-01.json", text)
    with pytest.raises(heads.HeadUnreadableError, match="is no head of the audit trail"):
        list(heads.heads(rooms.object_store))


@pytest.mark.parametrize(
    "statement", ["update audit.entries set rows = 0", "delete from audit.entries", "truncate audit.entries"]
)
def test_the_owner_too_changes_nothing_by_chance(rooms: TestRooms, statement: str) -> None:
    trail(rooms, 2)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        rooms.postgres.execute(statement)
    assert verified(rooms).entries == 2


def test_a_note_that_is_rolled_back_leaves_no_gap(rooms: TestRooms) -> None:
    trail(rooms, 2)
    with rooms.postgres.connection() as connection:
        append(connection, [READ], NOW)
        connection.rollback()
    trail(rooms, 1)
    done = verified(rooms)
    assert (done.head.seq, done.faults) == (3, [])


def test_two_writers_at_once_and_one_that_is_killed_make_one_chain(rooms: TestRooms) -> None:
    def write(number: int) -> None:
        with psycopg.connect(rooms.postgres.dsn) as connection:
            for n in range(20):
                append(connection, [replace(READ, actor=f"writer {number}", rows=n)] * 2, NOW)  # type: ignore[arg-type]
                connection.commit()

    dying = psycopg.connect(rooms.postgres.dsn)
    append(dying, [READ], NOW)  # type: ignore[arg-type]
    threads = [threading.Thread(target=write, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    # As by kill -9 of its process: the connection is gone, with a transaction open that the others wait for.
    rooms.postgres.execute("select pg_terminate_backend(%s)", (dying.info.backend_pid,))
    for thread in threads:
        thread.join()
    dying.close()
    done = verified(rooms)
    assert (done.entries, done.head.seq, done.faults) == (80, 80, [])
