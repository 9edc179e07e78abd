"""Reads over partitions beside one table that holds the same rows: equal for any range, order and limit."""

import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps import Series
from assets.apps.sesh_series import METRICS, SERIES, SESSIONS
from assets.series import registry
from assets.series.fold import Folding
from assets.series.layout import PartitionRegistry
from assets.series.plan import Value, plan_read
from assets.series.read import read
from resources.d1 import D1, D1Error, EmbeddedD1
from resources.d1.times import stamp
from tests.assets.series.partitioned_d1 import (
    NOW,
    SINCE,
    UNHURRIED,
    clock,
    half_copied,
    holder,
    partitioned,
    point,
    record,
    rows,
)
from tests.examples import examples

FIRST, LAST = SINCE - timedelta(days=40), NOW + timedelta(days=80)
FOLDED_AT = datetime(2026, 12, 5, tzinfo=UTC)
# Few values, so that there are ties in every column, nulls wherever they may be, and mixed types of numbers and texts.
VALUES: dict[str, tuple[Value, ...]] = {
    "strainId": (None, "strain-1", "strain-2"),
    "productId": (None, "p", "P", ""),
    "method": (None, "vape", "edible"),
    "amount": (None, 0.5, 0.25, 1e6),
    "unit": (None, "g", "mg"),
    "rating": (None, 1, 2, 3),
    "durationSeconds": (None, 0.5, 60, 60.25),
    "notes": (None, "", "ä", "Z", "z", "😀"),
    "details": ("{}", '{"a":1}'),
    "createdAt": ("2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"),
    "updatedAt": ("2026-03-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z"),
}


@pytest.fixture(scope="module")
def sesh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[D1]:
    """Each series over 17 months, three of which are folded and one is being folded, and all of it in one table."""
    d1 = partitioned(tmp_path_factory.mktemp("sesh") / "sesh.sqlite")
    rng = random.Random(5)
    for n in range(160):
        row = {column: rng.choice(values) for column, values in VALUES.items()}
        record(d1, f"s{n:03}", _moment(rng), rng.choice(("u1", "u2")), **row)
    for n in range(90):
        measures = rng.choice(('{"draws":1}', '{"draws":2}'))
        point(d1, f"s{n % 4}", n // 4 + 1, _moment(rng), rng.choice(("u1", "u2")), measures)
    for _ in range(90):
        at = _moment(rng)
        d1.execute(
            f"insert or ignore into {holder(d1, METRICS, at)} values (?, ?, ?, ?, ?, ?, ?)",
            [stamp(at), rng.choice(("", "u1")), rng.choice(("points", "sessions")), *rng.choices((1, 2, 3), k=4)],
        )
    for series in SERIES:
        d1.execute(f"create table plain_{series.name} as select * from {series.name}")
        Folding(d1, series, clock, UNHURRIED, page=7).run()
        assert half_copied(d1, series, FOLDED_AT) == f"{series.name}_2025_11"
        copied = f"select 1 from {series.name}_2025 where {series.time} >= '2025-11-01'"
        assert d1.query(copied), "a copy that is nobody's yet"
    yield d1
    d1.close()


def _moment(rng: random.Random) -> datetime:
    """Of a few, some on the very border of a month."""
    border = datetime(2026, rng.randint(1, 11), 1, tzinfo=UTC)
    at = border if rng.random() < 0.2 else SINCE + timedelta(hours=rng.randint(0, 150) * 73)
    return min(at, NOW)


def whole(
    d1: D1, series: Series, start: datetime, end: datetime, order: str | None, descending: bool, limit: int | None,
    equal: Mapping[str, Value],
) -> list[tuple[Value, ...]]:  # fmt: skip
    """The rows of the one table, in the order that a read promises."""
    direction = "desc" if descending else "asc"
    names = dict.fromkeys((order or series.time, *series.key))
    # IS finds nulls as well as values.
    conditions = "".join(f" and {column} is ?" for column in equal)
    found = d1.query(
        f"select {', '.join(series.columns)} from plain_{series.name} "
        f"where {series.time} >= ? and {series.time} < ?{conditions} "
        f"order by {', '.join(f'{name} {direction}' for name in names)} limit {-1 if limit is None else limit}",
        [stamp(start), stamp(end), *equal.values()],
    )
    return [tuple(row.values()) for row in found]


def answered(d1: D1, series: Series, start: datetime, end: datetime, **how: Any) -> list[tuple[Value, ...]]:
    return [tuple(row.values()) for row in read(d1, series, start, end, **how)]


moments = st.one_of(
    st.datetimes(min_value=FIRST.replace(tzinfo=None), max_value=LAST.replace(tzinfo=None)).map(
        lambda d: d.replace(tzinfo=UTC)
    ),
    st.builds(lambda n: datetime(2025 + (7 + n) // 12, (7 + n) % 12 + 1, 1, tzinfo=UTC), st.integers(0, 18)),
)


@pytest.mark.parametrize("series", SERIES, ids=lambda series: series.name)
@examples(70, 500, shrunk=True)
@given(data=st.data())
def test_any_read_is_that_of_one_table(sesh: D1, series: Series, data: st.DataObject) -> None:
    start, end = data.draw(moments), data.draw(moments)
    order = data.draw(st.sampled_from((None, *series.columns)))
    descending = data.draw(st.booleans())
    limit = data.draw(st.one_of(st.none(), st.integers(0, 12), st.integers(100, 300)))
    given_columns = data.draw(st.lists(st.sampled_from(series.columns), unique=True, max_size=2))
    (row,) = sesh.query(f"select * from plain_{series.name} limit 1 offset {data.draw(st.integers(0, 50))}")
    # Values that are there, and now and then one that nobody has.
    equal = {column: data.draw(st.sampled_from((row[column], row[column], "nobody"))) for column in given_columns}
    found = answered(
        sesh, series, start, end, order=order, descending=descending, limit=limit, equal=equal, columns=series.columns
    )
    assert found == whole(sesh, series, start, end, order, descending, limit, equal)


@pytest.mark.parametrize("descending", [False, True], ids=["ascending", "descending"])
@pytest.mark.parametrize(
    ("series", "order"),
    [(f, column) for f in SERIES for column in f.columns],
    ids=lambda value: getattr(value, "name", value),
)
def test_every_order_is_that_of_one_table_whatever_the_limit(
    sesh: D1, series: Series, order: str, descending: bool
) -> None:
    everything = whole(sesh, series, FIRST, LAST, order, descending, None, {})
    values = [row[series.columns.index(order)] for row in everything]
    assert len(set(values)) < len(values) or order in series.key, "there are ties"
    assert None in values or order not in VALUES or None not in VALUES[order]
    for limit in (None, 0, 1, 2, 7, len(everything) - 1, len(everything), len(everything) + 1):
        found = answered(sesh, series, FIRST, LAST, order=order, descending=descending, limit=limit)
        assert found == everything[:limit], limit


def test_the_view_is_the_table_too(sesh: D1) -> None:
    assert rows(sesh, SESSIONS) == [
        tuple(row.values()) for row in sesh.query("select * from plain_sessions order by id")
    ]
    assert sesh.query("select count(*) as n from sessions where rating = 3") == sesh.query(
        "select count(*) as n from plain_sessions where rating = 3"
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
        plan_read(PartitionRegistry(SESSIONS, 0, ()), FIRST, LAST, **how)  # type: ignore[arg-type]


def test_nothing_where_there_is_no_partition() -> None:
    series: Series = SESSIONS
    assert plan_read(PartitionRegistry(series, 0, ()), FIRST, LAST) == ()
    assert plan_read(PartitionRegistry(series, 0, ()), LAST, FIRST) == ()


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
