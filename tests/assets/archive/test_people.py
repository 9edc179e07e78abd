"""Rows of people: by user bucket, over partitions, without people who were erased."""

from datetime import UTC, datetime

import pytest

from assets.apps.sesh_series import SESSIONS
from assets.archive.layout import bucket_of
from assets.series.layout import month_partition
from assets.series.registry import change, load, table
from tests.assets.archive.archive_stores import ArchiveStores
from tests.tombstones import bury

USERS = [f"user-{n}" for n in range(12)]
EVERY = "select * from {} order by id"


@pytest.fixture
def sesh(archive_stores: ArchiveStores) -> ArchiveStores:
    """A year later: two months of sessions of some users."""
    archive_stores.now = datetime(2027, 4, 2, tzinfo=UTC)
    d1 = archive_stores.d1["sesh"]
    d1.upsert("users", ["id", "email"], [[u, f"{u}@example.org"] for u in USERS], ["id"])
    for month in (1, 2):
        registry = load(d1, SESSIONS)
        partition = month_partition(SESSIONS, datetime(2026, month, 1, tzinfo=UTC))
        change(d1, registry, [*registry.partitions, partition], table(SESSIONS, partition), "2026-01-01T00:00:00.000Z")
        rows = [
            [
                f"s-{month}-{n}",
                user,
                f"2026-{month:02}-03T04:05:06.{n:03}Z",
                0.5 * n,
                None if n % 2 else "ü\n",
                n % 5 + 1,
            ]
            for n, user in enumerate(USERS)
        ]
        d1.upsert(partition.name, ["id", "userId", "timestamp", "amount", "notes", "rating"], rows, ["id"])
    return archive_stores


def test_sessions_lie_in_buckets_of_users_and_come_back_into_their_partitions(sesh: ArchiveStores) -> None:
    d1 = sesh.d1["sesh"]
    before = d1.query(EVERY.format("sessions"))

    done = sesh.archive("sesh", "sessions")
    assert sesh.archive("sesh", "sessions").sealed == 0
    for month in (1, 2):
        d1.execute(f"delete from sessions_2026_{month:02}")
    restored = sesh.restore("sesh", "sessions", "live")

    assert done.rows == restored.added == len(before) == 24
    assert set(done.buckets) == {bucket_of(u, 16) for u in USERS}
    assert d1.query(EVERY.format("sessions")) == before
    assert sesh.restore("sesh", "sessions", "live").added == 0
    assert sesh.restore("sesh", "sessions").added == 24
    assert d1.query(EVERY.format("sessions_restored")) == before
    assert sesh.verify("sesh", "sessions").faults == []


def test_nothing_comes_back_of_people_who_were_erased(sesh: ArchiveStores) -> None:
    d1 = sesh.d1["sesh"]
    for number, said in ((5, "with user-3, at home"), (6, "user-31")):
        d1.execute(f"update sessions_2026_01 set notes = '{said}' where userId = 'user-{number}'")
    sesh.archive("sesh", "sessions")
    sesh.now = datetime(2026, 12, 31, tzinfo=UTC)
    d1.execute("update change_log set changed_at = '2026-03-01T00:00:00.000Z'")
    d1.execute(
        "insert into change_log (table_name, row_id, operation, new_keys, changed_at) values "
        """('inventory', 'item', 'insert', '{"id":"item","userId":"user-3"}', '2026-03-01T00:00:00.000Z')"""
    )
    sesh.archive("sesh", "change_log")
    bury(sesh.postgres, "sesh", ("user", "user-3"))
    bury(sesh.postgres, "clearlift", ("user", "user-4"))
    done = sesh.restore("sesh", "sessions")
    log = sesh.restore("sesh", "change_log")

    assert (done.rows, done.erased, done.added) == (24, 2, 22)
    left = {row["userId"] for row in d1.query("select userId from sessions_restored")}
    assert left == set(USERS) - {"user-3"}
    notes = {
        row["userId"]: row["notes"] for row in d1.query("select userId, notes from sessions_restored where id < 's-2'")
    }
    assert notes["user-5"].startswith("erased-")  # another one's text, which named the person
    assert notes["user-6"] == "user-31"
    assert log.erased == 2
    assert d1.query("select * from change_log_restored where row_id in ('user-3', 'item')") == []


def test_an_erased_visitors_events_do_not_come_back(archive_stores: ArchiveStores) -> None:
    archive_stores.happen(2, anonymous_id="visitor of 'A'")
    archive_stores.happen(3, user_id="B")
    archive_stores.happen(4)
    archive_stores.archive()
    archive_stores.prune()
    given = [("visitor", "visitor of 'A'"), ("user", "B")]
    bury(archive_stores.postgres, "clearlift", *given)
    done = archive_stores.restore(into="live")
    assert (done.rows, done.erased, done.added) == (9, 5, 4)
    assert sum(archive_stores.live().values()) == 4


def test_rows_that_changed_after_they_were_archived_come_back_as_they_were_last(sesh: ArchiveStores) -> None:
    d1 = sesh.d1["sesh"]
    sesh.archive("sesh", "sessions")
    d1.execute("update sessions_2026_01 set rating = 5, notes = 'again' where id = 's-1-7'")
    first = d1.query("select * from sessions_2026_01 where id = 's-1-8'")[0]
    for rating in (first["rating"] % 5 + 1, first["rating"]):
        # The second time it is what it was at first, and no longer what was archived last.
        d1.execute("update sessions_2026_01 set rating = ? where id = 's-1-8'", (rating,))
        assert sesh.archive("sesh", "sessions").rows in (1, 2)
    assert sesh.archive("sesh", "sessions").sealed == 0
    before = d1.query(EVERY.format("sessions"))
    sesh.restore("sesh", "sessions")
    assert d1.query(EVERY.format("sessions_restored")) == before
