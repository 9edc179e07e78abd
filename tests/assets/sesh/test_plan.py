"""Reads over partitions beside one table that holds the same rows: equal for any range, order and limit."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.sesh import registry
from assets.sesh.families import POINTS, SESSIONS, Family
from assets.sesh.fold import Folding
from assets.sesh.layout import Registry, stamp
from assets.sesh.plan import plan_read
from assets.sesh.read import read
from resources.d1 import D1, D1Error, EmbeddedD1
from tests.assets.sesh.database import (
    NOW,
    SINCE,
    UNHURRIED,
    clock,
    half_copied,
    partitioned,
    point,
    record,
    rows,
)

FIRST, LAST = SINCE - timedelta(days=40), NOW + timedelta(days=80)
ORDERS = (None, "timestamp", "id", "userId", "rating", "durationSeconds", "notes")


@pytest.fixture(scope="module")
def sesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[D1]:
    """Sessions of 17 months, three of which are folded and one is being folded, and all of them in one table."""
    d1 = partitioned(tmp_path_factory.mktemp("sesh") / "sesh.sqlite", families=[SESSIONS, POINTS])
    rng = random.Random(5)
    for n in range(160):
        # Few moments and values, so that there are ties; some on the very border of a month.
        border = rng.random() < 0.2
        at = (
            datetime(2026, rng.randint(1, 11), 1, tzinfo=UTC)
            if border
            else SINCE + timedelta(hours=rng.randint(0, 150) * 73)
        )
        record(
            d1, f"s{n:03}", min(at, NOW), rng.choice(("u1", "u2")), rating=rng.choice((None, 1, 2, 3)),
            durationSeconds=rng.choice((None, 0.5, 60, 60.25)), notes=rng.choice((None, "", "ä", "Z")),
        )  # fmt: skip
    d1.execute("create table plain as select * from sessions")
    Folding(d1, SESSIONS, clock, UNHURRIED, page=7).run()
    assert half_copied(d1, SESSIONS, datetime(2026, 12, 5, tzinfo=UTC)) == "sessions_2025_11"
    assert d1.query("select 1 from sessions_2025 where timestamp >= '2025-11-01'"), "a copy that is nobody's yet"
    yield d1
    d1.close()


def whole(
    d1: D1, start: str, end: str, order: str, descending: bool, limit: int | None, user: str | None
) -> list[object]:
    direction = "desc" if descending else "asc"
    return [
        row["id"]
        for row in d1.query(
            "select id from plain where timestamp >= ?1 and timestamp < ?2 and (?3 is null or userId = ?3) "
            f"order by {order} {direction}, id {direction} limit {-1 if limit is None else limit}",
            [start, end, user],
        )
    ]


moments = st.one_of(
    st.datetimes(min_value=FIRST.replace(tzinfo=None), max_value=LAST.replace(tzinfo=None)).map(
        lambda d: d.replace(tzinfo=UTC)
    ),
    st.builds(lambda n: datetime(2025 + (7 + n) // 12, (7 + n) % 12 + 1, 1, tzinfo=UTC), st.integers(0, 18)),
)


@settings(max_examples=250)
@given(
    start=moments, end=moments, order=st.sampled_from(ORDERS), descending=st.booleans(),
    limit=st.one_of(st.none(), st.integers(0, 12), st.integers(100, 300)), user=st.sampled_from((None, "u1", "nobody")),
)  # fmt: skip
def test_any_read_is_that_of_one_table(
    sesh: D1, start: datetime, end: datetime, order: str | None, descending: bool, limit: int | None, user: str | None
) -> None:
    equal = {"userId": user} if user else None
    found = read(
        sesh, SESSIONS, start, end, order=order, descending=descending, limit=limit, equal=equal, columns=["id"]
    )
    expected = whole(sesh, stamp(start), stamp(end), order or "timestamp", descending, limit, user)
    assert [row["id"] for row in found] == expected


def test_the_view_is_the_table_too(sesh: D1) -> None:
    assert rows(sesh, SESSIONS) == [tuple(row.values()) for row in sesh.query("select * from plain order by id")]
    assert sesh.query("select count(*) as n from sessions where rating = 3") == sesh.query(
        "select count(*) as n from plain where rating = 3"
    )


def test_only_the_partitions_of_the_range_are_read_and_from_the_near_end(sesh: D1) -> None:
    found = registry.load(sesh, SESSIONS)
    queries = plan_read(
        found, datetime(2026, 8, 31, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC), descending=True, limit=10,
        equal={"userId": "u1"},
    )  # fmt: skip
    assert [query.sql.split(" from ")[1].split()[0] for query in queries] == ["sessions_2026_09", "sessions_2026_08"]
    assert {query.params for query in queries} == {("u1", 10)}
    assert "timestamp >= '2026-08-31T00:00:00.000Z' and timestamp < '2026-09-01T00:00:00.000Z'" in queries[1].sql
    (steps,) = {
        " / ".join(row["detail"] for row in sesh.query(f"explain query plan {query.sql}", query.params)).replace(
            query.sql.split(" from ")[1].split()[0], "PARTITION"
        )
        for query in queries
    }
    assert steps == "SEARCH PARTITION USING INDEX PARTITION_by_user (userId=? AND timestamp>? AND timestamp<?)"


def test_reading_stops_with_the_partition_that_fills_the_limit(sesh: D1) -> None:
    asked = []

    class Counting(EmbeddedD1):
        def query(self, sql, params=()):  # type: ignore[no-untyped-def]
            asked.append(sql)
            return super().query(sql, params)

    d1 = Counting(sesh.path)  # type: ignore[attr-defined]
    assert len(read(d1, SESSIONS, SINCE, NOW, descending=True, limit=3)) == 3
    assert len(asked) < 3
    d1.close()


def test_another_order_is_one_query_with_the_limit_in_each_partition(sesh: D1) -> None:
    (query,) = plan_read(registry.load(sesh, SESSIONS), FIRST, LAST, order="rating", descending=True, limit=4)
    assert query.sql.count("limit ?1") == 1 + len(registry.load(sesh, SESSIONS).answering) == 16
    assert query.params == (4,)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"order": "rating desc"}, "no column rating desc"),
        ({"equal": {"1=1 or id": 1}}, "no column 1=1 or id"),
        ({"columns": ["id", "password"]}, "no column password"),
        ({"limit": -1}, "not negative"),
    ],
)
def test_what_cannot_be_planned_is_said(how: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plan_read(Registry(SESSIONS, 0, ()), FIRST, LAST, **how)  # type: ignore[arg-type]


def test_keys_of_two_columns_break_ties_too(sesh: D1) -> None:
    for session in ("b", "a"):
        for seq in (2, 1):
            point(sesh, session, seq, NOW - timedelta(days=20 * seq), measures='{"draws":2}')
    found = read(sesh, POINTS, FIRST, LAST, order="measures", columns=["sessionId", "seq"])
    assert [tuple(row.values()) for row in found] == [("a", 1), ("a", 2), ("b", 1), ("b", 2)]


def test_nothing_where_there_is_no_partition() -> None:
    family: Family = SESSIONS
    assert plan_read(Registry(family, 0, ()), FIRST, LAST) == ()
    assert plan_read(Registry(family, 0, ()), LAST, FIRST) == ()


def test_a_read_begins_anew_where_a_month_was_folded_meanwhile(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("meanwhile") / "sesh.sqlite"
    d1 = partitioned(path, families=[SESSIONS])
    for month in (8, 9, 10):
        record(d1, f"s{month}", datetime(2025, month, 5, tzinfo=UTC))

    class Folded(EmbeddedD1):
        folded = False

        def query(self, sql, params=()):  # type: ignore[no-untyped-def]
            if not self.folded and " from sessions_2025_09 " in sql:
                self.folded = True
                assert len(Folding(d1, SESSIONS, clock, UNHURRIED).run()) == 3
            return super().query(sql, params)

    reader = Folded(path)
    assert [row["id"] for row in read(reader, SESSIONS, SINCE, NOW)] == ["s8", "s9", "s10"]
    assert reader.folded
    with pytest.raises(D1Error, match="no such table"):
        d1.query("select * from sessions_2025_09")
    reader.close()
    d1.close()
