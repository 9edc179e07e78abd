"""Folding: ended before and after every call, two at once beside a writer, and what it refuses to drop."""

import itertools
import random
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from assets.apps import Series
from assets.apps.sesh_series import METRICS, POINTS, SESSIONS
from assets.series import audit, registry
from assets.series.checksum import added, checksum
from assets.series.fold import Folded, FoldError, Folding
from resources.d1 import D1, D1Error, EmbeddedD1
from resources.d1.times import stamp
from tests.assets.series.partitioned_d1 import (
    SINCE,
    UNHURRIED,
    KilledError,
    LostError,
    Mortal,
    clock,
    half_copied,
    partitioned,
    point,
    record,
    rows,
)

MONTHS = ("2025_08", "2025_09", "2025_10")
OLD = datetime(2025, 11, 1, tzinfo=UTC)
UPSERT = (
    "insert into {month} (id, userId, timestamp) values ('b', 'u1', '2025-08-02T00:00:00.000Z') "
    "on conflict (id) do update set rating = 5"
)


def filled(path: Path, count: int = 24, since: datetime = SINCE) -> EmbeddedD1:
    """Sessions in the months that are to be folded, and some after them."""
    d1 = partitioned(path, since, [SESSIONS])
    rng = random.Random(3)
    for n in range(count):
        at = since + timedelta(days=n * 130 / count, milliseconds=rng.randrange(86_400_000))
        record(d1, f"s{rng.randrange(10**6):06}-{n}", at, rng.choice(("u1", "u2")), notes="ä😀", amount=rng.random())
    return d1


def fold(d1: D1, series: Series = SESSIONS, page: int = 4) -> list[Folded]:
    return Folding(d1, series, clock, UNHURRIED, page=page).run()


@pytest.fixture
def sesh(tmp_path: Path) -> Iterator[EmbeddedD1]:
    d1 = filled(tmp_path / "sesh.sqlite")
    yield d1
    d1.close()


def tables(d1: D1) -> set[str]:
    found = d1.query("select name from sqlite_master where type = 'table' and name glob 'sessions_2025*'")
    return {row["name"] for row in found}


def test_months_move_into_their_year_counted_and_summed(sesh: D1) -> None:
    before = rows(sesh, SESSIONS)
    stale = sesh.query("select * from stale_metrics")
    done = fold(sesh)
    assert [each.month for each in done] == [f"sessions_{month}" for month in MONTHS]
    assert {each.year for each in done} == {"sessions_2025"}
    assert rows(sesh, SESSIONS) == before
    assert tables(sesh) == {"sessions_2025", "sessions_2025_11", "sessions_2025_12"}
    year = registry.load(sesh, SESSIONS).named("sessions_2025")
    old = [row for row in before if row[11] < stamp(OLD)]
    assert year is not None
    assert year.row_count == sum(each.rows for each in done) == len(old)
    assert year.checksum == added(*(each.checksum for each in done)) == checksum(old)
    assert sesh.query("select * from stale_metrics") == stale
    assert audit.faults(sesh, SESSIONS) == []
    assert fold(sesh) == []


@pytest.mark.parametrize(
    ("after", "by"),
    [(False, KilledError), (True, KilledError), (True, LostError)],
    ids=["before", "after", "unanswered"],
)
def test_ended_at_any_call_and_run_again_it_ends_the_same(tmp_path: Path, after: bool, by: type[BaseException]) -> None:
    template = filled(tmp_path / "template.sqlite", 12, datetime(2025, 9, 1, tzinfo=UTC))
    expected = rows(template, SESSIONS)
    template.close()
    for at in itertools.count(1):
        path = tmp_path / f"{at}.sqlite"
        path.write_bytes((tmp_path / "template.sqlite").read_bytes())
        d1 = EmbeddedD1(path)
        mortal = Mortal(d1, at, after=after, by=by)
        # What was lost may be found out, and then it goes on by itself.
        with suppress(by):
            fold(mortal)
        assert rows(d1, SESSIONS) == expected, f"what readers see, ended at call {at}"
        fold(d1)
        assert rows(d1, SESSIONS) == expected, f"ended at call {at}"
        assert tables(d1) == {"sessions_2025", "sessions_2025_11", "sessions_2025_12"}
        assert audit.faults(d1, SESSIONS) == []
        d1.close()
        path.unlink()
        if mortal.calls < at:
            break
    assert at > 25


@pytest.mark.parametrize(
    "change",
    [
        "insert into {month} (id, userId, timestamp) values ('a', 'u1', '2025-08-02T00:00:00.000Z')",
        "insert into {month} (id, userId, timestamp) values ('z', 'u1', '2025-08-02T00:00:00.000Z')",
        "update {month} set notes = 'changed'",
        "update {month} set id = 'zz' where id = 'b'",
        "update {month} set id = 'aa' where id = 'e'",
        "update or replace {month} set id = 'b' where id = 'e'",
        "update or replace {month} set id = 'e' where id = 'b'",
        "insert or replace into {month} (id, userId, timestamp) values ('b', 'u2', '2025-08-31T00:00:00.000Z')",
        UPSERT,
        "delete from {month} where id = 'b'",
        "delete from {month} where id = 'f'",
        "delete from {month}",
    ],
)
def test_what_is_written_to_a_half_copied_month_is_folded_with_it(tmp_path: Path, change: str) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite", families=[SESSIONS])
    for day, name in enumerate("bcdef"):
        record(d1, name, SINCE + timedelta(days=day))
    assert half_copied(d1, SESSIONS, clock()) == "sessions_2025_08"
    before = rows(d1, SESSIONS)
    d1.execute(change.format(month="sessions_2025_08"))
    expected = rows(d1, SESSIONS)
    assert expected != before
    fold(d1)
    assert rows(d1, SESSIONS) == expected
    d1.close()


def test_two_at_once_and_an_application_that_goes_on_writing(tmp_path: Path) -> None:
    d1 = filled(tmp_path / "sesh.sqlite", 60)
    plain = {row[0]: row for row in rows(d1, SESSIONS)}
    failures: list[BaseException] = []
    done: list[Folded] = []
    ended = threading.Event()

    def folding() -> None:
        own = EmbeddedD1(tmp_path / "sesh.sqlite")
        try:
            done.extend(fold(own, page=3))
        except BaseException as error:  # noqa: BLE001 (shown by the test)
            failures.append(error)
        finally:
            own.close()

    def writing() -> None:
        own, rng, n = EmbeddedD1(tmp_path / "sesh.sqlite"), random.Random(9), 0
        while not (ended.is_set() and n >= 40):
            n += 1
            _write(own, rng, n, plain)
        own.close()

    folders = [threading.Thread(target=folding) for _ in range(2)]
    writer = threading.Thread(target=writing)
    for thread in (writer, *folders):
        thread.start()
    for thread in folders:
        thread.join()
    ended.set()
    writer.join()
    assert failures == []
    assert sorted(each.month for each in done) == [f"sessions_{month}" for month in MONTHS]
    assert rows(d1, SESSIONS) == [plain[key] for key in sorted(plain)]
    assert audit.faults(d1, SESSIONS) == []
    d1.close()


def _write(d1: D1, rng: random.Random, n: int, plain: dict[str, tuple[object, ...]]) -> None:
    """One insert, update or delete of an old session, as the application does it: by the registry."""
    name = rng.choice([*plain, f"new-{n}"])
    old = plain.get(name)
    at = datetime.fromisoformat(str(old[11])) if old else SINCE + timedelta(hours=rng.randrange(2_000))
    while True:
        try:
            (row,) = d1.query(
                "select name from partitions where family = 'sessions' and state <> 'folded' "
                "and startsAt <= ?1 and endsAt > ?1",
                [stamp(at)],
            )
            if name in plain and rng.random() < 0.3:
                d1.execute(f"delete from {row['name']} where id = ?", [name])
                del plain[name]
            else:
                record(d1, name, at, notes=f"{n}")
                (written,) = d1.query("select * from sessions where id = ?", [name])
                plain[name] = tuple(written.values())
        except D1Error as error:
            if "no such table" not in error.message:
                raise
            continue
        return


def test_a_key_that_the_year_has_at_another_time_stops_it_and_nothing_is_lost(sesh: D1) -> None:
    fold(sesh)
    record(sesh, "twice", datetime(2025, 10, 5, tzinfo=UTC))
    record(sesh, "twice", datetime(2025, 11, 5, tzinfo=UTC))
    before = rows(sesh, SESSIONS)
    later = Folding(sesh, SESSIONS, lambda: datetime(2026, 12, 5, tzinfo=UTC), UNHURRIED)
    with pytest.raises(
        FoldError, match="sessions_2025_11 cannot be folded: 1 of its keys are in sessions_2025 at another time"
    ) as refused:
        later.run()
    assert "docs/runbooks/stuck-fold.md" in refused.value.next_step
    assert "twice" not in str(refused.value), "a key is a person's session"
    assert rows(sesh, SESSIONS) == before
    # While it is being folded, a write to the month goes on; what the year has stays as it is.
    record(sesh, "twice", datetime(2025, 11, 6, tzinfo=UTC))
    assert len(sesh.query("select 1 from sessions where id = 'twice'")) == 2
    sesh.execute("delete from sessions_2025 where id = 'twice' and timestamp < '2025-11'")
    expected = rows(sesh, SESSIONS)
    assert [each.month for each in later.run()] == ["sessions_2025_11"]
    assert rows(sesh, SESSIONS) == expected


def test_a_damaged_copy_is_found(sesh: D1) -> None:
    mortal = Mortal(sesh, 1_000)
    engine = Folding(mortal, SESSIONS, clock, UNHURRIED, page=4)
    copied = engine._copy

    def damaging(fold: object) -> None:
        copied(fold)  # type: ignore[arg-type]
        sesh.execute("update sessions_2025 set amount = amount + 1e-9 where id = (select max(id) from sessions_2025)")

    engine._copy = damaging  # type: ignore[method-assign]
    before = rows(sesh, SESSIONS)
    with pytest.raises(FoldError, match="sessions_2025_08 and its copy in sessions_2025 differ"):
        engine.run()
    assert rows(sesh, SESSIONS) == before


def test_families_of_two_and_three_key_columns_fold_too(tmp_path: Path) -> None:
    d1 = partitioned(tmp_path / "sesh.sqlite")
    for n in range(12):
        at = datetime(2025, 8 + n % 3, 3, n, tzinfo=UTC)
        point(d1, f"s{n % 4}", n + 1, at, measures='{"temperature":1.5}')
        d1.execute(
            f"insert into metrics_2025_{8 + n % 3:02} values (?, ?, 'points', ?, 1000000, 1000000, 1000000)",
            [stamp(at), ("", "u1")[n % 2], n],
        )
    for series in (POINTS, METRICS):
        before = rows(d1, series)
        assert len(fold(d1, series, page=2)) == 3
        assert rows(d1, series) == before
        assert audit.faults(d1, series) == []
    d1.close()


def test_a_user_who_goes_while_months_are_folded_is_gone_from_both(sesh: D1) -> None:
    assert half_copied(sesh, SESSIONS, clock()) == "sessions_2025_08"
    assert sesh.query("select 1 from sessions_2025 where userId = 'u1'")
    sesh.execute("delete from users where id = 'u1'")
    assert sesh.query("select count(*) as n from sessions_2025 where userId = 'u1'") == [{"n": 0}]
    expected = rows(sesh, SESSIONS)
    fold(sesh)
    assert rows(sesh, SESSIONS) == expected
    assert {row[1] for row in expected} == {"u2"}


def test_another_error_of_the_database_is_not_taken_for_another_process(sesh: D1) -> None:
    sesh.execute("create table sessions_2025 (id text primary key)")
    with pytest.raises(D1Error, match="no such column"):
        fold(sesh)
    assert "sessions_2025_08" in tables(sesh)
