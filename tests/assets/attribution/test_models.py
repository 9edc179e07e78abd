"""Models: each is a row, shares every conversion out whole, and another row is another model."""

from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from tests.assets.attribution.attribution_stores import AttributionStores
from tests.assets.attribution.strategies import prepare
from tests.assets.rollups.event_lake import at, event

FIRST, SECOND, THIRD, FOURTH = "google:g1:12", "facebook:f1:21", "tiktok:t1:31", "google:g1:11"
NAMES = {
    FIRST: {"gclid": "gA"},
    SECOND: {"utm_campaign": "spring", "utm_source": "facebook"},
    THIRD: {"utm_campaign": "only here"},
    FOURTH: {"utm_campaign": "spring", "utm_source": "google"},
}


@pytest.fixture
def journey(attribution_stores: AttributionStores) -> AttributionStores:
    """Four visits, 21, 14, 7 and 0 days before a sale of 100."""
    prepare(attribution_stores)
    bought = at(23, 12)
    attribution_stores.event_lake.append(
        *(
            event(timestamp=bought - timedelta(days=days), session_id=f"s{days}", **names)
            for days, names in zip((21, 14, 7, 0), NAMES.values(), strict=True)
        ),
        event(timestamp=bought, session_id="buys", event_type="conversion", event_value=100.0),
    )
    attribution_stores.make(1, 25)
    return attribution_stores


def revenue(stores: AttributionStores, model: str) -> dict[str, Decimal]:
    rows = stores.postgres.fetch(
        "select campaign_id, sum(revenue) as revenue from attribution.credits where model = %s group by 1", [model]
    )
    return {row["campaign_id"]: row["revenue"] for row in rows}


def test_each_model_shares_a_conversion_out_in_its_way(journey: AttributionStores) -> None:
    assert revenue(journey, "first") == {FIRST: 100}
    assert revenue(journey, "last") == {FOURTH: 100}
    assert revenue(journey, "linear") == dict.fromkeys(NAMES, 25)
    assert revenue(journey, "position") == {FIRST: 40, SECOND: 10, THIRD: 10, FOURTH: 40}
    # Weights 1/8, 1/4, 1/2, 1: a half-life of seven days.
    micro = Decimal("0.000001")
    decay = {FIRST: Decimal("6.666666"), SECOND: Decimal("13.333333"), THIRD: Decimal("26.666666")}
    assert revenue(journey, "decay") == {**decay, FOURTH: 100 - sum(decay.values())}
    assert revenue(journey, "decay")[FOURTH] == Decimal("53.333333") + 2 * micro


def test_another_model_is_another_row_and_credits_every_day_again(journey: AttributionStores) -> None:
    journey.postgres.execute(
        "insert into attribution.models (model, every_touch, first_touch, last_touch, ordinal)"
        " values ('ends', 0, 1, 3, 6)"
    )
    try:
        assert journey.credit().changed == [at(23).date()]
        assert revenue(journey, "ends") == {FIRST: 25, FOURTH: 75}
        assert {row["model"] for row in journey.postgres.fetch("select model from attribution.daily")} >= {"ends"}
    finally:
        journey.postgres.execute("delete from attribution.models where model = 'ends'")
    assert journey.credit().changed == [at(23).date()]
    assert revenue(journey, "ends") == {}


def test_a_model_that_credits_nobody_is_refused(journey: AttributionStores) -> None:
    with pytest.raises(psycopg.errors.CheckViolation):
        journey.postgres.execute("insert into attribution.models (model, middle_touches, ordinal) values ('no', 1, 7)")


def test_two_visits_share_in_halves_by_position(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    attribution_stores.event_lake.append(
        event(timestamp=at(1), session_id="a", gclid="gA"),
        event(timestamp=at(2), session_id="b", utm_campaign="only here"),
        event(timestamp=at(3), session_id="c", event_type="conversion", event_value=10.0),
    )
    attribution_stores.make(1, 5)
    assert revenue(attribution_stores, "position") == {FIRST: 5, THIRD: 5}
