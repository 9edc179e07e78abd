"""Stored = source for a sampled day: a fault of ours is told from what the platform restated since."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.ads.audit import AdAudit, audit, compare
from assets.ads.numbers import numbers
from resources.ad_platforms import Fact
from resources.postgres import Postgres
from sandbox.faults import Fault, FaultKind
from sandbox.world.entities import PLATFORMS, Platform
from tests.assets.ads.ad_stores import AdStores

DAY = date(2026, 11, 19)
ONE, TWO = (10, 1, Decimal(5), Decimal(1), Decimal(9)), (10, 1, Decimal(5), Decimal(2), Decimal(18))
MORE = (11, 1, Decimal(5), Decimal(1), Decimal(9))


@pytest.mark.parametrize(
    ("source", "account", "stored", "staged", "restated", "differences"),
    [
        ({"a": ONE}, [ONE], {"a": ONE}, {"a": ONE}, 0, 0),
        ({}, [], {}, {}, 0, 0),
        ({"a": ONE}, [ONE], {"a": ONE}, None, 0, 0),
        ({"a": TWO}, [TWO], {"a": ONE}, {"a": ONE}, 1, 0),
        ({}, [], {"a": ONE}, {"a": ONE}, 1, 0),
        ({"a": ONE}, [ONE], {}, {}, 1, 0),
        ({"a": TWO}, [TWO], {"a": ONE}, None, 0, 1),
        ({"a": ONE}, [ONE], {"a": TWO}, {"a": ONE}, 0, 2),
        ({"a": TWO}, [TWO], {"a": TWO}, {"a": ONE}, 0, 1),
        ({"a": ONE}, [ONE], {}, {"a": ONE}, 0, 2),
        ({}, [], {}, {"a": ONE}, 0, 1),
        ({"a": MORE}, [ONE], {"a": MORE}, {"a": MORE}, 0, 1),
        ({"a": ONE}, [], {"a": ONE}, {"a": ONE}, 0, 3),
    ],
)
def test_only_what_the_platform_changed_since_is_a_restatement(
    source: Any, account: Any, stored: Any, staged: Any, restated: int, differences: int
) -> None:
    found = AdAudit("1", DAY)
    compare(found, source=source, account=account, stored=stored, staged=staged, currency="USD")
    assert (len(found.restated), len(found.differences)) == (restated, differences)
    assert found.passed == (restated + differences == 0)


def test_what_the_account_has_besides_its_campaigns_is_said_and_no_fault() -> None:
    found = AdAudit("1", DAY)
    compare(found, source={"a": ONE}, account=[MORE], stored={"a": ONE}, staged={"a": ONE}, currency="USD")
    assert (found.differences, found.unassigned) == (
        [],
        ["account impressions: its campaigns 10, the account itself 11"],
    )
    assert not found.passed


@pytest.mark.parametrize(
    ("currency", "account", "differs"),
    [("USD", "9.99", False), ("USD", "9.98", True), ("JPY", "9", False), ("JPY", "8", True)],
)
def test_each_campaign_is_rounded_by_itself(currency: str, account: str, differs: bool) -> None:
    found = AdAudit("1", DAY)
    campaigns = {name: (10, 1, Decimal(5), Decimal(0), Decimal(0)) for name in "ab"}
    whole = (20, 2, Decimal(account), Decimal(0), Decimal(0))
    compare(found, source=campaigns, account=[whole], stored=campaigns, staged=campaigns, currency=currency)
    assert bool(found.differences) == differs


@pytest.fixture
def synced(tiny: AdStores, request: pytest.FixtureRequest) -> AdStores:
    """A platform of which one day is final."""
    tiny.connect(only=[request.param], lookback_days=1)
    assert [o.error for o in tiny.sync(request.param)] == [None]
    return tiny


@pytest.mark.parametrize(("synced", "platform"), [(p, p) for p in PLATFORMS], indirect=["synced"])
def test_what_was_just_synced_agrees(synced: AdStores, platform: Platform) -> None:
    found = audit(synced.engine(platform))
    assert (found.day, found.passed, found.differences, found.restated) == (DAY, True, [], [])
    assert found.rows > 0


# TikTok's account restates nothing of that day.
@pytest.mark.parametrize(("synced", "platform"), [(p, p) for p in PLATFORMS if p != "tiktok"], indirect=["synced"])
def test_a_day_that_the_platform_restated_is_told_as_that(synced: AdStores, platform: Platform) -> None:
    synced.sandbox.clock.advance(timedelta(days=1, hours=20))
    found = audit(synced.engine(platform))
    assert not found.passed
    assert (len(found.restated) > 0, found.differences) == (True, [])


@pytest.mark.parametrize(("synced", "platform"), [(p, p) for p in PLATFORMS], indirect=["synced"])
@pytest.mark.parametrize(
    "broken",
    [
        "update ads.campaign_metrics_daily set clicks = clicks + 1 where date = '2026-11-19'",
        "delete from ads.campaign_metrics_daily where date = '2026-11-19'",
    ],
)
def test_rows_that_are_not_as_their_pages_were_are_a_fault(synced: AdStores, platform: Platform, broken: str) -> None:
    synced.postgres.execute(broken)
    found = audit(synced.engine(platform))
    assert any("its page" in line for line in found.differences)
    assert found.restated == []


@pytest.mark.parametrize("synced", ["google"], indirect=True)
def test_a_difference_that_no_page_explains_is_a_fault(synced: AdStores) -> None:
    synced.sandbox.clock.advance(timedelta(days=1, hours=20))
    synced.store.delete([info.key for info in synced.store.list("raw/ads")])
    found = audit(synced.engine("google"))
    assert len(found.differences) > 0
    assert found.restated == []


@pytest.mark.parametrize("synced", ["tiktok"], indirect=True)
def test_a_platform_that_cannot_be_asked_proves_nothing(synced: AdStores) -> None:
    synced.sandbox.faults.order(Fault(FaultKind.ACCOUNT_INACTIVE, "tiktok", times=None))
    found = audit(synced.engine("tiktok"))
    assert not found.passed
    assert found.differences == []
    assert ". Next: " in found.unasked


def test_nothing_synced_is_nothing_proved(tiny: AdStores) -> None:
    assert (audit(tiny.engine("google")).day, AdAudit().passed) == (None, False)


@pytest.fixture(scope="module")
def rounding(postgres_server: str) -> Iterator[Postgres]:
    with Postgres(postgres_server) as postgres:
        yield postgres


@given(amount=st.decimals(0, 10**9, places=9))
def test_amounts_are_compared_with_the_digits_that_are_stored(rounding: Postgres, amount: Decimal) -> None:
    fact = Fact(DAY, "1", "", "", "", 1, 1, amount, amount, amount, {})
    (row,) = rounding.fetch("select %s::numeric(20, 6) as stored", (amount,))
    assert numbers(fact)[2:] == (row["stored"],) * 3
