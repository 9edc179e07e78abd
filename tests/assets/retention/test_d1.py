"""Old rows of D1: those that may go, exactly; in small steps; beside other writers; over any times."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps import APPS
from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.archive.quarters import Quarter
from assets.changes.change import Position
from assets.changes.d1 import D1ChangeLog
from assets.retention.d1_aged import NOT_EXPIRED, UNREADABLE, D1Aged
from assets.retention.d1_sealed import UNREAD, D1Sealed
from assets.retention.deletion import Deletion, DeletionOutcome
from assets.retention.eligible import due
from assets.retention.log import DeletionLog
from assets.retention.proof import LATE, UNSEALED
from assets.retention.run import run
from assets.retention.stores import proved
from resources import migrations
from resources.d1 import D1, EmbeddedD1
from resources.d1.names import quoted
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.archive.operations import killed
from tests.assets.retention.series_stores import SeriesStores
from tests.assets.series.partitioned_d1 import UNHURRIED
from tests.examples import examples
from tests.rooms import TestRooms
from tests.sql.sesh.database import put

NOW = datetime(2026, 11, 21, 5, tzinfo=UTC)
QUARTER = Quarter(2026, 2)
ENTRIES = {(app.name, entry.name): entry for app in APPS for entry in app.lifecycles}


@pytest.fixture
def clearlift(tmp_path: Path) -> Iterator[EmbeddedD1]:
    d1 = EmbeddedD1(tmp_path / "clearlift.sqlite")
    migrations.up(migrations.D1AppliedMigrations(d1, "clearlift-d1"), "clearlift/d1")
    d1.execute("insert into users (id, email, issuer, access_sub) values ('u', 'someone@example.org', 'i', 's')")
    yield d1
    d1.close()


def prune(
    d1: D1, postgres: Postgres, folder: Path, app: str, table: str, *, dry_run: bool = False, confirmed: bool = False
) -> DeletionOutcome:
    rooms = TestRooms(NOW, postgres, FolderObjectStore(folder / "r2"), d1s={app: d1})
    (owner,) = (each for each in APPS if each.name == app)
    entry = ENTRIES[app, table]
    deletion = Deletion(app, entry, due(entry, NOW, proved(entry)).before, dry_run, confirmed)
    log = DeletionLog(postgres, app, "a run", rooms.clock)
    rows = (D1Sealed if entry.archive else D1Aged).of(rooms, owner, deletion, log)
    rows.page, rows.pace = 3, UNHURRIED
    return run(rows, deletion, log, postgres)


def session(d1: D1, token: str, created: Any, expires: Any) -> None:
    d1.execute(
        "insert into sessions (token, user_id, created_at, expires_at) values (?, 'u', ?, ?)", [token, created, expires]
    )


def tokens(d1: D1) -> set[str]:
    return {row["token"] for row in d1.query("select token from sessions")}


def test_no_table_refers_to_one_whose_rows_go(clearlift: EmbeddedD1, tmp_path: Path) -> None:
    sesh = EmbeddedD1(tmp_path / "sesh.sqlite")
    migrations.up(migrations.D1AppliedMigrations(sesh, "sesh-d1"), "sesh/d1")
    for app, d1 in ((CLEARLIFT, clearlift), (SESH, sesh)):
        names = [row["name"] for row in d1.query("select name from sqlite_master where type = 'table'")]
        referred = {row["table"] for name in names for row in d1.query(f"pragma foreign_key_list({quoted(name)})")}
        going = {e.name for e in app.lifecycles if e.store == "d1" and e.delete_after_days is not None}
        assert going
        assert not going & referred
    sesh.close()


def test_sessions_go_once_they_are_old_and_over(postgres: Postgres, clearlift: EmbeddedD1, tmp_path: Path) -> None:
    old, young, over, running = "2026-10-21T23:59:59Z", "2026-10-22T00:00:00Z", "2026-11-20T00:00:00Z", "2026-12-01"
    for n in range(5):
        session(clearlift, f"gone {n}", old, over)
    session(clearlift, "gone by milliseconds", "2026-10-21T23:59:59.999Z", "2026-11-21 04:59:58")
    session(clearlift, "young", young, over)
    session(clearlift, "running", old, running)
    session(clearlift, "ends this second", old, "2026-11-21T05:00:00.900Z")
    for token, created, expires in (
        ("no time", None, over),
        ("a number", 1_700_000_000, over),
        ("a word", "now", over),
        ("clock", "12:00", over),
        ("no end", old, "whenever"),
    ):
        session(clearlift, token, created, expires)
    stay = tokens(clearlift) - {f"gone {n}" for n in range(5)} - {"gone by milliseconds"}

    planned = prune(clearlift, postgres, tmp_path, "clearlift", "sessions", dry_run=True)
    assert (planned.total, planned.going, planned.deleted) == (14, 6, 0)
    assert len(tokens(clearlift)) == 14
    done = prune(clearlift, postgres, tmp_path, "clearlift", "sessions")
    assert (done.total, done.going, done.deleted) == (14, 6, 6)
    assert [(h.rows, h.why) for h in done.held_back] == [(3, NOT_EXPIRED), (4, UNREADABLE)]
    assert tokens(clearlift) == stay
    notes = postgres.fetch("select name, place, intended_rows, rows, why from retention.deletions")
    assert [(n["name"], n["intended_rows"], n["rows"]) for n in notes] == [("sessions", 6, 6)]
    assert notes[0]["why"] == "older than 30 days; the row's own expiry has passed"
    assert prune(clearlift, postgres, tmp_path, "clearlift", "sessions").deleted == 0


def test_a_session_that_is_renewed_after_it_was_counted_stays(
    postgres: Postgres, clearlift: EmbeddedD1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for n in range(7):
        session(clearlift, f"s{n}", "2026-10-01", "2026-10-02")
    batch = EmbeddedD1.batch

    def renewing(d1: EmbeddedD1, statements: Any, **how: Any) -> Any:
        given = list(statements)
        if given[0].sql.startswith("delete from"):
            monkeypatch.setattr(EmbeddedD1, "batch", batch)
            d1.execute("update sessions set expires_at = '2026-12-01' where token in ('s1', 's5')")
        return batch(d1, given, **how)

    monkeypatch.setattr(EmbeddedD1, "batch", renewing)
    done = prune(clearlift, postgres, tmp_path, "clearlift", "sessions")
    assert (done.going, done.deleted, tokens(clearlift)) == (7, 5, {"s1", "s5"})


def test_killed_at_each_step_and_run_again_every_row_is_counted_once(
    postgres: Postgres, clearlift: EmbeddedD1, tmp_path: Path
) -> None:
    number = accepted = 0
    while True:
        number += 1
        for n in range(4):
            session(clearlift, f"s{number} {n}", "2026-10-01", "2026-10-02")
        accepted += 4
        ended = killed(lambda: prune(clearlift, postgres, tmp_path, "clearlift", "sessions"), number)
        prune(clearlift, postgres, tmp_path, "clearlift", "sessions")
        assert tokens(clearlift) == set()
        (noted,) = postgres.fetch("select sum(rows) as n, count(*) - count(rows) as left from retention.deletions")
        assert (noted["n"], noted["left"]) == (accepted, 0), ended
        if ended is None:
            break
    assert number > 10


def test_two_at_once_delete_each_row_once(postgres: Postgres, clearlift: EmbeddedD1, tmp_path: Path) -> None:
    for n in range(20):
        session(clearlift, f"s{n}", "2026-10-01", "2026-10-02")
    found: list[DeletionOutcome] = []

    def work() -> None:
        found.append(prune(clearlift, postgres, tmp_path, "clearlift", "sessions"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.deleted for outcome in found) == [0, 20]


def test_a_large_share_waits_for_a_word(
    postgres: Postgres, clearlift: EmbeddedD1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assets.retention.share.SMALL_TABLE", 4)
    for n in range(4):
        session(clearlift, f"s{n}", "2026-10-01", "2026-10-02" if n < 3 else "2026-12-01")
    stopped = prune(clearlift, postgres, tmp_path, "clearlift", "sessions")
    assert "3 of 4 rows would be deleted" in str(stopped.stopped)
    assert len(tokens(clearlift)) == 4
    assert prune(clearlift, postgres, tmp_path, "clearlift", "sessions", confirmed=True).deleted == 3


FIRST = datetime(2026, 9, 1, tzinfo=UTC)
STAMPS = st.timedeltas(timedelta(0), timedelta(days=91)).map(lambda after: FIRST + after)
FORMS = st.sampled_from(["%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%fZ", "%Y-%m-%d"])


@examples(12, 60)
@given(given=st.lists(st.tuples(STAMPS, FORMS, STAMPS, FORMS), max_size=9))
def test_what_goes_is_what_python_finds(
    postgres: Postgres, clearlift: EmbeddedD1, tmp_path: Path, given: list[tuple[datetime, str, datetime, str]]
) -> None:
    clearlift.execute("delete from sessions")
    stay = set()
    before = datetime(2026, 10, 22, tzinfo=UTC)
    for n, (created, form, expires, other) in enumerate(given):
        session(clearlift, f"s{n}", f"{created:{form}}", f"{expires:{other}}")
        ends = expires.replace(hour=0, minute=0, second=0) if other == "%Y-%m-%d" else expires
        if created >= before or ends.replace(microsecond=0) >= NOW:
            stay.add(f"s{n}")
    prune(clearlift, postgres, tmp_path, "clearlift", "sessions")
    assert tokens(clearlift) == stay


def test_invitations_and_quarantined_points_go_by_age(
    postgres: Postgres, clearlift: EmbeddedD1, tmp_path: Path
) -> None:
    clearlift.execute("insert into organizations (id, name, slug) values ('o', 'O', 'o')")
    for n, ends in enumerate(("2026-11-20T23:59:59Z", "2026-11-21T00:00:00Z", "2026-12-01T00:00:00Z")):
        clearlift.execute(
            "insert into invitations (id, organization_id, email, token, expires_at, invited_by) "
            "values (?, 'o', 'e', ?, ?, 'u')",
            [f"i{n}", f"t{n}", ends],
        )
    assert prune(clearlift, postgres, tmp_path, "clearlift", "invitations").deleted == 1
    sesh = EmbeddedD1(tmp_path / "sesh.sqlite")
    migrations.up(migrations.D1AppliedMigrations(sesh, "sesh-d1"), "sesh/d1")
    for n, at in enumerate(("2026-05-24T23:59:59.999Z", "2026-05-25T00:00:00.000Z")):
        sesh.execute(
            "insert into point_quarantine (sha256, line, objectKey, reason, field, quarantinedAt)"
            " values (?, 1, 'k', 'not_json', '', ?)",
            [f"sha{n}", at],
        )
    assert prune(sesh, postgres, tmp_path, "sesh", "point_quarantine").deleted == 1
    assert sesh.query("select sha256 from point_quarantine") == [{"sha256": "sha1"}]
    assert sesh.query("select * from change_log") == []
    sesh.close()


@pytest.fixture
def stores(postgres: Postgres, tmp_path: Path) -> Iterator[SeriesStores]:
    """Twelve changes of the second quarter, archived; one of the third."""
    found = SeriesStores(postgres, tmp_path, now=NOW)
    migrations.up(migrations.D1AppliedMigrations(found.d1, "sesh-d1"), "sesh/d1")
    for n in range(13):
        put(found.d1, "users", id=f"u{n}")
    found.d1.execute("update change_log set changed_at = '2026-05-0' || (id % 9 + 1) || 'T00:00:00.000Z'")
    found.d1.execute("update change_log set changed_at = '2026-08-01T00:00:00.000Z' where id = 13")
    yield found
    found.d1.close()


def test_a_change_goes_once_it_is_sealed_and_read_by_all(stores: SeriesStores) -> None:
    def pruned(*, dry_run: bool = False) -> tuple[int, int, list[tuple[str, int, str]]]:
        done = prune(stores.d1, stores.postgres, stores.folder, "sesh", "change_log", dry_run=dry_run)
        assert done.faults == []
        return done.going, done.deleted, [(h.place, h.rows, h.why) for h in done.held_back]

    assert pruned() == (0, 0, [("2026Q2", 12, UNREAD)]), "nobody reads it: nothing of it is known to be read"
    D1ChangeLog(stores.d1).move("cache", Position(0, 13), NOW)
    assert pruned() == (0, 0, [("2026Q2", 12, UNSEALED)])
    stores.archive("change_log", window=QUARTER.window)
    D1ChangeLog(stores.d1).move("copies", Position(0, 4), NOW)
    assert pruned(dry_run=True) == (4, 0, [("2026Q2", 8, UNREAD)])
    assert pruned() == (4, 4, [("2026Q2", 8, UNREAD)])
    D1ChangeLog(stores.d1).move("copies", Position(0, 13), NOW)
    stores.d1.execute("update change_log set operation = 'replace' where id = 7")
    assert pruned() == (7, 7, [("2026Q2", 1, LATE)])
    assert [row["id"] for row in stores.d1.query("select id from change_log order by id")] == [7, 13]
    stores.archive("change_log", window=QUARTER.window)
    assert pruned() == (1, 1, [])
    side = stores.restore("change_log", "side", quarter=QUARTER)
    assert side.added == 12
    assert stores.d1.query("select operation from change_log_restored where id = 7") == [{"operation": "replace"}]


def test_a_row_that_changed_back_goes_only_as_it_was_archived_last(stores: SeriesStores) -> None:
    D1ChangeLog(stores.d1).move("cache", Position(0, 13), NOW)
    for value in ("replace", "update"):
        stores.archive("change_log", window=QUARTER.window)
        stores.d1.execute("update change_log set operation = ? where id = 7", [value])
    stores.d1.execute("update change_log set operation = 'insert' where id = 7")  # as its first archive has it
    done = prune(stores.d1, stores.postgres, stores.folder, "sesh", "change_log")
    assert (done.deleted, [(h.rows, h.why) for h in done.held_back]) == (11, [(1, LATE)])
    assert stores.d1.query("select id from change_log where id = 7") == [{"id": 7}]


VALUES = (
    st.none()
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=9)
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)


@examples(8, 60)
@given(given=st.lists(st.tuples(VALUES, VALUES, VALUES), min_size=1, max_size=8), changed=st.sets(st.integers(0, 7)))
def test_of_any_rows_those_go_that_are_as_they_were_archived(
    postgres: Postgres,
    tmp_path_factory: pytest.TempPathFactory,
    given: list[tuple[Any, Any, Any]],
    changed: set[int],
) -> None:
    folder = tmp_path_factory.mktemp("any")
    postgres.execute("truncate archive.revisions, retention.deletions")
    stores = SeriesStores(postgres, folder, now=NOW)
    stores.d1.execute("create table change_log (id integer primary key, row_id, old_keys, new_keys, changed_at)")
    stores.d1.execute("create table change_log_readers (reader, last_id)")
    stores.d1.execute("insert into change_log_readers values ('r', 99)")
    for n, row in enumerate(given):
        stores.d1.execute("insert into change_log values (?, ?, ?, ?, '2026-05-01T00:00:00.000Z')", [n, *row])
    stores.archive("change_log", window=QUARTER.window)
    late = changed & set(range(len(given)))
    for n in late:
        stores.d1.execute("update change_log set new_keys = coalesce(new_keys, '') || 'x' where id = ?", [n])
    done = prune(stores.d1, postgres, folder, "sesh", "change_log")
    assert done.deleted == len(given) - len(late)
    assert {row["id"] for row in stores.d1.query("select id from change_log")} == late
    stores.d1.close()


def test_the_boundary_is_a_midnight() -> None:
    assert due(ENTRIES["clearlift", "sessions"], NOW, {"expired"}).before == NOW.replace(hour=0) - timedelta(30)
