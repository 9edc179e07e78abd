"""Credits against a recount in plain Python: every model, every reason, every zone; sums to the digit."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps.clearlift import APP as CLEARLIFT
from assets.attribution.build import Touches
from assets.windows import Window
from resources.sql_files import read_sql
from tests.assets.attribution.attribution_stores import HORIZON, AttributionStores
from tests.assets.attribution.recount import recount
from tests.assets.attribution.strategies import (
    CAMPAIGNS,
    CLICK_ADS,
    CLICKS,
    LANDED,
    ORGS,
    REFUND_TYPES,
    RULES,
    SECOND,
    A,
    B,
    examples,
    of_two_tags,
    prepare,
    single,
)
from tests.assets.rollups.event_lake import at, event

SUMS = {"app": CLEARLIFT.name, "since": at(1).date()}


@examples(10)
@given(events=st.lists(LANDED.map(of_two_tags), max_size=40).map(single))
def test_credits_equal_a_recount_and_add_up(
    attribution_stores: AttributionStores, events: list[dict[str, Any]]
) -> None:
    prepare(attribution_stores)
    attribution_stores.d1.execute(
        "insert or ignore into org_tag_mappings (id, organization_id, short_tag) values ('second', ?, ?)",
        [ORGS[SECOND], SECOND],
    )
    attribution_stores.event_lake.append(*events)
    attribution_stores.make(1, 8)
    assert attribution_stores.credits() == recount(
        events, CAMPAIGNS, CLICKS, RULES, CLICK_ADS, ORGS, refund_types=REFUND_TYPES
    )
    assert attribution_stores.postgres.fetch(read_sql("attribution/differing_sums.sql"), SUMS) == []


def shares(attribution_stores: AttributionStores, what: str = "conversions") -> dict[str, Any]:
    """First, last and linear credit by campaign or reason."""
    rows = attribution_stores.postgres.fetch(
        f"select campaign_id || reason as whose, sum({what}) filter (where model = 'first') as a,"
        f" sum({what}) filter (where model = 'last') as b, sum({what}) filter (where model = 'linear') as c"
        " from attribution.credits where model <> '' group by 1 having bool_or(model = 'linear')"
    )
    return {row["whose"]: (row["a"] or 0, row["b"] or 0, row["c"]) for row in rows}


def visit(day: int, hour: int, session: str = "s", **fields: Any) -> dict[str, Any]:
    return event(timestamp=at(day, hour), session_id=session, consent_marketing=True, **fields)


def test_three_touches_share_a_conversion_to_the_last_micro_unit(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    attribution_stores.event_lake.append(
        visit(1, 1, "s1", gclid="gA"),
        visit(2, 1, "s2", fbclid="f", utm_campaign="spring"),
        visit(3, 1, "s3", utm_campaign="nobody's"),
        visit(3, 2, "s4", event_type="conversion", event_value=10.0),
    )
    attribution_stores.make(1, 5)
    third = Decimal("0.333333")
    assert shares(attribution_stores) == {
        "google:g1:12": (1, 0, third),
        "facebook:f1:21": (0, 0, third),
        "unknown_campaign": (0, 1, third + Decimal("0.000001")),
    }
    assert shares(attribution_stores, "revenue")["unknown_campaign"] == (0, 10, Decimal("3.333334"))


def test_a_window_is_closed_at_both_ends_and_an_organisations_own(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    for org, days in ((A, 30), (B, 2)):
        attribution_stores.clear()
        attribution_stores.campaign(*CAMPAIGNS)
        if org == B:
            attribution_stores.settle(f"org-{B}", window_days=days)
        name = {"utm_campaign": "brand", "org_tag": org}
        later = at(1) + timedelta(days=days)
        attribution_stores.event_lake.append(
            event(timestamp=at(1), session_id="s1", **name),
            *(
                event(timestamp=later + step, org_tag=org, event_type="conversion", session_id="s2")
                for step in (timedelta(0), timedelta(microseconds=1))
            ),
        )
        attribution_stores.make(1, days + 2)
        campaign = "google:g1:12" if org == A else "microsoft:m1:41"
        assert shares(attribution_stores) == {campaign: (1, 1, 1), "no_touch": (1, 1, 1)}


def test_a_session_that_goes_on_past_midnight_is_one_visit(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    attribution_stores.event_lake.append(
        *(event(timestamp=at(1, 23, 30) + n * timedelta(minutes=20), gclid="gA") for n in range(4)),
        visit(3, 5, gclid="gA"),
        visit(5, 1, gclid="gA"),
    )
    attribution_stores.event_lake.append(visit(5, 2, "other", event_type="conversion"))
    attribution_stores.make(1, 7)
    visits = {day: sum(row[7] for row in rows) for day, rows in attribution_stores.of_days().items()}
    assert visits == {at(1).date(): 1, at(3).date(): 1, at(5).date(): 1}
    assert shares(attribution_stores) == {"google:g1:12": (1, 1, 1)}


def test_without_consent_nothing_is_known_of_the_visitor(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    attribution_stores.event_lake.append(
        visit(1, 1, "s1", gclid="gA"),
        {**visit(1, 2, "s2", gclid="gA", anonymous_id="w"), "consent_marketing": False},
        {**visit(2, 1, "s3", event_type="conversion", gclid="gA"), "consent_marketing": False},
        visit(2, 2, "s4", event_type="conversion", anonymous_id="w"),
    )
    attribution_stores.make(1, 4)
    assert shares(attribution_stores) == {"no_consent": (1, 1, 1), "no_touch": (1, 1, 1)}
    assert attribution_stores.postgres.fetch("select count(*) as n from attribution.touches") == [{"n": 1}]
    unknown = attribution_stores.postgres.fetch(
        "select count(*) as n from attribution.conversions where visitor is null"
    )
    assert unknown == [{"n": 1}]


def test_no_id_is_stored_as_it_is(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    attribution_stores.event_lake.append(
        visit(1, 1, "session-x", gclid="click-x", anonymous_id="visitor-x", event_id="event-x", event_type="conversion")
    )
    attribution_stores.make(1, 2)
    for table in ("touches", "conversions", "credits", "clicks"):
        for row in attribution_stores.event_lake.table(f"attribution.{table}"):
            assert not [v for v in row if b"-x" in (v if isinstance(v, bytes) else str(v).encode())]


def test_days_follow_the_account_and_sums_the_utc_day(attribution_stores: AttributionStores) -> None:
    """Nuku'alofa is 13 hours ahead: the evening of the 1st is the 2nd there."""
    prepare(attribution_stores)
    attribution_stores.event_lake.append(
        visit(1, 12, "s1", gclid="gA"), visit(1, 20, "s2", event_type="conversion"), visit(1, 10, "s3", gclid="gA")
    )
    attribution_stores.make(1, 2)
    first, second = at(1).date(), at(2).date()
    found = {(row[0], row[2], row[9]): (row[7], row[11]) for row in attribution_stores.credits()}
    assert {key: amounts for key, amounts in found.items() if key[2] in ("", "first")} == {
        (first, first, ""): (1, 0),
        (first, second, ""): (1, 0),
        (first, second, "first"): (0, 1),
    }


def test_parts_of_days_are_refused(attribution_stores: AttributionStores) -> None:
    lake = attribution_stores.event_lake
    with pytest.raises(ValueError, match="attribution is made of whole days"):
        Touches(
            attribution_stores.app, lake.events, attribution_stores.d1, attribution_stores.postgres, lake.clock, HORIZON
        ).run(Window(at(1, 1), at(2)))


def test_another_writers_doubles_count_once(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    one = visit(1, 1, gclid="gA", event_type="conversion", event_value=3.0, event_id="one")
    attribution_stores.event_lake.append(one)
    attribution_stores.event_lake.append_as_foreigner(one)
    attribution_stores.make(1, 2)
    assert shares(attribution_stores, "revenue") == {"google:g1:12": (3, 3, 3)}
