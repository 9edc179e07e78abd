"""A backfilled range compared with what R2 SQL counts in the lake."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from assets.rollups.definition import Grain
from assets.rollups.range_counts import RangeCounts, compared
from assets.windows import Window
from resources.cloudflare import api_session
from resources.pacing import Pacing, Rate
from resources.r2 import R2Sql
from tests.assets.rollups.event_lake import EventLake, at, event
from tests.standin.r2_sql import AGGREGATES, TOKEN, R2SqlService

RANGE = Window(at(5), at(7))


@pytest.fixture
def service(event_lake: EventLake) -> Iterator[R2SqlService]:
    """R2 SQL over 30 events of two organisations within two days, and others outside, all rolled up."""
    event_lake.append(*(event(timestamp=at(5, n % 24), org_tag="a3f7c2" if n % 3 else "b8e9d1") for n in range(30)))
    event_lake.append(event(timestamp=at(4, 23, 59)), event(timestamp=at(7)))
    event_lake.roll_up(Grain.HOURLY, at(4), at(8))
    found = R2SqlService()
    with found.loopback:
        show(found, event_lake)
        yield found


def show(service: R2SqlService, event_lake: EventLake) -> None:
    namespace, name = event_lake.app.audience.table.split(".") if event_lake.app.audience else ("", "")
    service.put(namespace, name, event_lake.events.scan().collect())


def counts(service: R2SqlService, event_lake: EventLake, org: str | None = None) -> RangeCounts:
    with closing(api_session(TOKEN, Pacing(Rate(1e6, 1e6)))) as session:
        r2_sql = R2Sql(session, "acct", "lake", api=service.loopback.url, page_rows=30)
        return compared(event_lake.stores, r2_sql, event_lake.app, RANGE, org)


@pytest.mark.parametrize("can_aggregate", [True, False])
def test_a_range_that_is_right_is_counted_alike(
    event_lake: EventLake, service: R2SqlService, can_aggregate: bool
) -> None:
    if not can_aggregate:
        service.refused |= AGGREGATES
    assert counts(service, event_lake) == RangeCounts(30, 30, {}, moved=False)
    assert counts(service, event_lake, "b8e9d1") == RangeCounts(10, 10, {}, moved=False)


def test_an_organisation_that_differs_is_named_with_both_counts(event_lake: EventLake, service: R2SqlService) -> None:
    event_lake.append(event(timestamp=at(6), org_tag="b8e9d1"))
    show(service, event_lake)
    assert counts(service, event_lake) == RangeCounts(31, 30, {"b8e9d1": (11, 10)}, moved=False)


def test_a_double_of_another_writer_is_no_difference(event_lake: EventLake, service: R2SqlService) -> None:
    twin = event(timestamp=at(6, 3))
    event_lake.append(twin)
    event_lake.append_as_foreigner(twin)
    event_lake.roll_up(Grain.HOURLY, at(6), at(7))
    show(service, event_lake)
    assert counts(service, event_lake) == RangeCounts(32, 31, {}, moved=False)
