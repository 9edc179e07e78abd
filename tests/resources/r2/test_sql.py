"""R2 SQL against a stand-in: it answers with DuckDB, and refuses what a test says that it cannot do."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from resources.cloudflare import RATE, api_session
from resources.http import HttpError, Patience
from resources.pacing import Pacing
from resources.r2 import Measure, R2Sql, R2SqlError, literal
from tests.examples import examples
from tests.standin.loopback import Fault, Reply, Request
from tests.standin.r2_sql import AGGREGATES, NEVER, R2SqlService
from tests.standin.waits import Waits

MEASURES = {
    "events": Measure("count"),
    "valued": Measure("count", "value"),
    "total": Measure("sum", "value"),
    "least": Measure("min", "value"),
    "latest": Measure("max", "seen"),
}


SCHEMA = {
    "id": pl.String(),
    "tag": pl.String(),
    "kind": pl.String(),
    "value": pl.Int64(),
    "seen": pl.Datetime("us", "UTC"),
}


class Service(R2SqlService):
    """A service with one table, `clearlift.events`."""

    def __init__(self) -> None:
        super().__init__()
        self.fill([])

    def fill(self, rows: list[tuple[Any, ...]]) -> None:
        self.put("clearlift", "events", pl.DataFrame(rows, schema=SCHEMA, orient="row"))


@pytest.fixture
def service() -> Iterator[Service]:
    made = Service()
    with made.loopback:
        yield made


def client(
    service: Service,
    page_rows: int = 7,
    token: str = "the-token",
    waits: Waits | None = None,
    patience: Patience | None = None,
) -> R2Sql:
    time = waits or Waits()
    pacing = Pacing(RATE, clock=time.clock, sleep=time.sleep)
    session = api_session(token, pacing, clock=time.clock, sleep=time.sleep, patience=patience)
    return R2Sql(session, "acct", "lake", api=service.loopback.url, page_rows=page_rows)


def moment(second: int) -> dt.datetime:
    return dt.datetime(2025, 10, 10, tzinfo=dt.UTC) + dt.timedelta(seconds=second)


def sample(count: int) -> list[tuple[Any, ...]]:
    kinds = ["click", "view", None, "é'quote"]
    return [
        (f"{i:04}", "a3f7c2" if i % 5 else "b8e9d1", kinds[i % 4], None if i % 3 == 0 else i * 10**12, moment(i))
        for i in range(count)
    ]


@pytest.mark.parametrize("count", [0, 1, 6, 7, 8, 13, 14, 50])
def test_pages_hold_every_row_once(service: Service, count: int) -> None:
    service.fill(sample(count)[::-1])
    pages = list(client(service).pages("clearlift.events", ["id", "value"], ["id"]))
    assert [row for page in pages for row in page] == [{"id": row[0], "value": row[3]} for row in sample(count)]
    assert all(page for page in pages)


def test_pages_by_several_columns_and_a_filter(service: Service) -> None:
    rows = sample(60)
    service.fill(rows)
    where = f"tag = {literal('a3f7c2')} or kind = {literal(chr(233) + chr(39) + 'quote')}"
    expected = sorted((r[1], r[0]) for r in rows if r[1] == "a3f7c2" or r[2] == "é'quote")
    found = [
        row for page in client(service).pages("clearlift.events", ["id", "tag"], ["tag", "id"], where) for row in page
    ]
    assert [(row["tag"], row["id"]) for row in found] == expected


def test_pages_from_a_service_that_gives_fewer_rows(service: Service) -> None:
    service.fill(sample(40))
    honest = service.loopback.serve

    def stingy(request: Request) -> Reply:
        reply = honest(request)
        reply.body["result"]["rows"] = reply.body["result"]["rows"][:3]
        return reply

    service.loopback.serve = stingy
    found = [row["id"] for page in client(service).pages("clearlift.events", ["id"], ["id"]) for row in page]
    assert found == [row[0] for row in sample(40)]


@pytest.mark.parametrize("twin", [0, 3, 6, 7, 12])
def test_a_key_that_is_not_unique_is_an_error(service: Service, twin: int) -> None:
    rows = sample(20)
    service.fill([*rows, rows[twin]])
    with pytest.raises(R2SqlError, match="not unique"):
        list(client(service).pages("clearlift.events", ["id"], ["id"]))


def test_a_key_with_null_is_an_error(service: Service) -> None:
    service.fill(sample(10))
    with pytest.raises(R2SqlError, match="NULL"):
        list(client(service).pages("clearlift.events", ["id"], ["kind", "id"]))


def test_a_service_that_ignores_the_order_is_an_error(service: Service) -> None:
    service.fill(sample(10))
    honest = service.loopback.serve

    def shuffled(request: Request) -> Reply:
        reply = honest(request)
        reply.body["result"]["rows"].reverse()
        return reply

    service.loopback.serve = shuffled
    with pytest.raises(R2SqlError, match="not in its order"):
        list(client(service).pages("clearlift.events", ["id"], ["id"]))


def test_times_are_compared_in_utc(service: Service) -> None:
    service.fill(sample(30))
    tokyo = moment(10).astimezone(dt.timezone(dt.timedelta(hours=9)))
    where = f"seen >= {literal(tokyo)} and seen < {literal(moment(20))}"
    found = [row["id"] for page in client(service).pages("clearlift.events", ["id"], ["id"], where) for row in page]
    assert found == [f"{i:04}" for i in range(10, 20)]
    with pytest.raises(ValueError, match="without a time zone"):
        literal(moment(0).replace(tzinfo=None))


def test_probe_finds_what_the_service_can(service: Service) -> None:
    service.fill(sample(3))
    assert client(service).probe("clearlift.events").aggregates is True
    service.refused.update(AGGREGATES)
    probed = client(service)
    assert probed.probe("clearlift.events").aggregates is False
    before = len(service.loopback.requests)
    assert probed.probe("clearlift.events").aggregates is False
    assert len(service.loopback.requests) == before


def test_probe_does_not_take_trouble_for_an_answer(service: Service) -> None:
    with pytest.raises(HttpError, match="10001"):
        client(service, token="a-wrong-token").probe("clearlift.events")
    with pytest.raises(HttpError, match="40004"):
        client(service).probe("clearlift.nothing")
    service.loopback.fail(Fault("body", body={"success": True, "errors": [], "result": {"rows": []}}))
    service.loopback.fail(*[Fault("status", status=503)] * 10)
    with pytest.raises(HttpError, match="503"):
        client(service).probe("clearlift.events")


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["a3f7c2", "b8e9d1", None]),
        st.sampled_from(["click", "view", None]),
        st.none() | st.integers(-(2**63) + 1, 2**63 - 1),
        st.none() | st.integers(0, 100).map(moment),
    ),
    max_size=25,
).map(lambda rows: [(f"{i:04}", *row) for i, row in enumerate(rows)])


@pytest.mark.parametrize("group_by", [[], ["tag"], ["tag", "kind"]])
@examples(8, 60)
@given(rows=ROWS)
def test_the_same_answer_from_there_and_from_here(
    service: Service, group_by: list[str], rows: list[tuple[Any, ...]]
) -> None:
    service.fill(rows)
    answers = []
    for can in (True, False):
        service.refused = {**NEVER} if can else {**NEVER, **AGGREGATES}
        before = len(service.loopback.requests)
        found = client(service, page_rows=100 if can else 4).aggregate(
            "clearlift.events", MEASURES, group_by=group_by, key=["id"], where="id <> '0003'"
        )
        answers.append(found)
        assert any("order by" in sent.json["query"] for sent in service.loopback.requests[before:]) is not can
    assert answers[0] == answers[1]
    assert sum(row["events"] for row in answers[0]) == len([row for row in rows if row[0] != "0003"])


def test_more_groups_than_a_page_are_aggregated_here(service: Service) -> None:
    service.fill(sample(30))
    found = client(service).aggregate("clearlift.events", {"n": Measure("count")}, group_by=["id"], key=["id"])
    assert found == [{"id": f"{i:04}", "n": 1} for i in range(30)]


def test_one_refused_aggregate_is_aggregated_here(service: Service) -> None:
    service.fill(sample(30))
    service.refused["max of times"] = r"\bmax\("
    found = client(service).aggregate("clearlift.events", {"last": Measure("max", "seen")}, key=["id"])
    assert found == [{"last": moment(29).isoformat()}]


FAULTS = {
    "429": Fault("status", status=429),
    "429 with Retry-After": Fault("status", status=429, headers={"Retry-After": "3"}),
    "500": Fault("status", status=500),
    "502": Fault("status", status=502),
    "503": Fault("status", status=503),
    "reset": Fault("reset"),
    "time-out": Fault("time-out"),
    "cut body": Fault("cut"),
    "not JSON": Fault("not-json"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_passing_trouble_is_waited_out(service: Service, patience: Patience, fault: Fault) -> None:
    service.fill(sample(20))
    waits = Waits()
    reading = client(service, waits=waits, patience=patience).pages("clearlift.events", ["id"], ["id"])
    found = [row["id"] for row in next(reading)]
    service.loopback.fail(fault)
    found += [row["id"] for page in reading for row in page]
    assert found == [row[0] for row in sample(20)]
    assert not service.loopback.faults
    assert waits.slept
    assert not fault.headers or sum(waits.slept) >= 3


@pytest.mark.parametrize("name", ["events; drop table x", "a.b c", "", "1a", 'x"y'])
def test_names_are_checked(service: Service, name: str) -> None:
    reading = client(service)
    with pytest.raises(ValueError, match="name"):
        list(reading.pages(name, ["id"], ["id"]))
    with pytest.raises(ValueError, match="name"):
        list(reading.pages("clearlift.events", [name], ["id"]))
    with pytest.raises(ValueError, match="name"):
        reading.aggregate("clearlift.events", {"n": Measure("count")}, group_by=[name], key=["id"])
    with pytest.raises(ValueError, match="name"):
        reading.aggregate("clearlift.events", {name: Measure("count")}, key=["id"])


def test_bad_measures_and_pages_are_refused(service: Service) -> None:
    with pytest.raises(ValueError, match="measure sum: a column is needed"):
        Measure("sum")
    for rows in (1, 10_001):
        with pytest.raises(ValueError, match="a page has 2 to 10000 rows"):
            client(service, page_rows=rows)
    assert "the-token" not in repr(vars(client(service)))
