"""What comes late changes exactly the days that it should, and writes no other; kills and two builds change nothing."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.attribution import credit
from resources.sql_files import read_sql
from tests.assets.attribution.attribution_stores import NEVER, AttributionStores, Campaign
from tests.assets.attribution.recount import MODELS, recount
from tests.assets.attribution.strategies import (
    CAMPAIGNS,
    CLICK_ADS,
    CLICKS,
    LANDED,
    REFUND_TYPES,
    RULES,
    A,
    moment_of,
    prepare,
    single,
)
from tests.assets.rollups.event_lake import at, event
from tests.examples import examples

NEWS = st.one_of(
    st.lists(LANDED, min_size=1, max_size=3).map(lambda events: ("events", events)),
    st.sampled_from(
        [
            Campaign(f"org-{A}", "facebook", "25", "nobody's"),
            Campaign(f"org-{A}", "google", "13", "spring"),
            Campaign(f"org-{A}", "facebook", "21", "summer"),
            Campaign(f"org-{A}", "facebook", "23", "twice no more"),
        ]
    ).map(lambda campaign: ("campaign", campaign)),
    st.just(("click", CAMPAIGNS[0])),
    st.sampled_from([("signup", 30), ("conversion", 1), ("conversion", 30)]).map(lambda rule: ("rule", rule)),
)


def settled(attribution_stores: AttributionStores) -> set[date]:
    """The days that changed until nothing is stale any more.

    Three rounds are enough. A late event that refuses or agrees makes the days after it stale, which are made in the
    second. A day of them may then say another choice, which concerns yesterday; its schedule made it before them.
    """
    changed = set(attribution_stores.catch_up().changed)
    for _ in range(2):
        if attribution_stores.stale():
            changed.update(attribution_stores.catch_up().changed)
    assert attribution_stores.stale() == ()
    return changed


def written(attribution_stores: AttributionStores) -> dict[date, set[tuple[str, str]]]:
    """Where each day's rows lie and which transaction wrote them."""
    found: dict[date, set[tuple[str, str]]] = {}
    for row in attribution_stores.postgres.fetch("select day, ctid::text, xmin::text from attribution.credits"):
        found.setdefault(row["day"], set()).add((row["ctid"], row["xmin"]))
    return found


def by_day(rows: list[tuple[Any, ...]]) -> dict[date, list[tuple[Any, ...]]]:
    found: dict[date, list[tuple[Any, ...]]] = {}
    for row in rows:
        found.setdefault(row[0], []).append(row)
    return found


@examples(4, 40)
@given(events=st.lists(LANDED, max_size=25).map(single), news=st.lists(NEWS, min_size=1, max_size=3))
def test_whatever_comes_late_changes_exactly_the_days_that_a_recount_changes(
    attribution_stores: AttributionStores, events: list[dict[str, Any]], news: list[tuple[str, Any]]
) -> None:
    prepare(attribution_stores)
    campaigns, clicks, rules = list(CAMPAIGNS), dict(CLICKS), dict(RULES)
    attribution_stores.event_lake.append(*events)
    attribution_stores.make(1, 8)
    before = by_day(recount(events, campaigns, clicks, rules, CLICK_ADS, refund_types=REFUND_TYPES))
    assert attribution_stores.of_days() == before
    for kind, what in news:
        lying = written(attribution_stores)
        if kind == "events":
            known = {moment_of(e) for e in events}
            late = [
                {**e, "event_id": f"late{len(events)}-{n}"}
                for n, e in enumerate(single(what))
                if moment_of(e) not in known
            ]
            events = [*events, *late]
            attribution_stores.event_lake.append(*late)
        elif kind == "campaign":
            at_now = attribution_stores.event_lake.now
            campaigns = [replace(c, until=at_now) if (c.id, c.until) == (what.id, NEVER) else c for c in campaigns]
            campaigns.append(replace(what, since=at_now) if any(c.id == what.id for c in campaigns) else what)
            attribution_stores.campaign(what)
        elif kind == "click" and any(e["gclid"] == "gUnknown" for e in events):
            attribution_stores.report(what, "gUnknown")
            if touches_know(attribution_stores, what):
                clicks["gUnknown"] = what
        elif kind == "rule":
            rules[A] = ({what[0]}, what[1])
            attribution_stores.settle(
                f"org-{A}", conversion_types=[what[0]], window_days=what[1], refund_types=["refund"]
            )
        done = settled(attribution_stores)
        after = by_day(recount(events, campaigns, clicks, rules, CLICK_ADS, refund_types=REFUND_TYPES))
        assert attribution_stores.of_days() == after
        changed = {day for day in before.keys() | after.keys() if before.get(day) != after.get(day)}
        assert done == changed
        now = written(attribution_stores)
        assert {day: rows for day, rows in now.items() if day not in changed} == {
            day: rows for day, rows in lying.items() if day not in changed
        }
        before = after


def touches_know(attribution_stores: AttributionStores, campaign: Campaign) -> bool:
    """Whether the click was kept: only clicks that brought a visitor are."""
    return bool(
        attribution_stores.postgres.fetch(
            "select 1 from attribution.clicks where campaign_id = %s and org_id = %s", [campaign.id, campaign.org]
        )
    )


def journey(attribution_stores: AttributionStores) -> None:
    """Two visitors who convert on several days; the first has come by a campaign on the 2nd."""
    prepare(attribution_stores)
    attribution_stores.event_lake.append(
        event(timestamp=at(2, 5), session_id="a", gclid="gA"),
        *(event(timestamp=at(day, 9), session_id=f"c{day}", event_type="conversion") for day in (1, 3, 5)),
        event(timestamp=at(4, 9), session_id="d", anonymous_id="w", event_type="conversion"),
    )
    attribution_stores.make(1, 7)


def test_a_late_touch_changes_its_day_and_the_visitors_later_conversions(attribution_stores: AttributionStores) -> None:
    journey(attribution_stores)
    attribution_stores.event_lake.append(event(timestamp=at(3, 8), session_id="b", fbclid="f", utm_campaign="spring"))
    assert [(w.start, w.end) for w in attribution_stores.stale()] == [(at(3), at(4))]
    assert attribution_stores.catch_up().changed == [at(3).date(), at(5).date()]


def test_a_late_conversion_changes_its_day_alone(attribution_stores: AttributionStores) -> None:
    journey(attribution_stores)
    attribution_stores.stale()
    attribution_stores.catch_up()
    attribution_stores.event_lake.append(event(timestamp=at(4, 8), session_id="e", event_type="conversion"))
    (window,) = attribution_stores.stale()
    assert (window.start, window.end) == (at(4), at(5))
    assert attribution_stores.catch_up().changed == [at(4).date()]


def test_restated_spend_shows_at_once_and_changes_its_day_alone(attribution_stores: AttributionStores) -> None:
    journey(attribution_stores)
    campaign = CAMPAIGNS[1]
    for day in (2, 3, 5):
        attribution_stores.spend(campaign, at(day).date(), "10")

    def daily() -> set[tuple[Any, ...]]:
        return {tuple(row.values()) for row in attribution_stores.postgres.fetch("select * from attribution.daily")}

    lying, before = written(attribution_stores), daily()
    attribution_stores.spend(campaign, at(3).date(), "7.5")
    assert attribution_stores.catch_up().changed == []
    assert written(attribution_stores) == lying
    differing = before ^ daily()
    assert {(row[5], row[8]) for row in differing} == {(campaign.id, at(3).date())}
    assert len(differing) == 10  # five models, before and after
    rows = attribution_stores.postgres.fetch(
        "select model, spend, cpa, roas from attribution.daily where campaign_id = %s and day = %s",
        [campaign.id, at(3).date()],
    )
    assert {(r["model"], r["spend"], r["cpa"], r["roas"]) for r in rows} == {(model, 7.5, 7.5, 0) for model in MODELS}


def test_an_agreement_that_comes_late_makes_a_later_one_needless(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    attribution_stores.event_lake.append(
        event(timestamp=at(2, 5), session_id="refuses", consent_marketing=False),
        event(timestamp=at(4, 5), session_id="comes", gclid="gA"),
        event(timestamp=at(5, 5), session_id="agrees", consent_marketing=True),
        event(timestamp=at(6, 5), session_id="buys", event_type="conversion"),
    )
    attribution_stores.make(1, 7)
    attribution_stores.event_lake.append(event(timestamp=at(3, 5), session_id="late", consent_marketing=True))
    assert settled(attribution_stores) == {at(4).date(), at(6).date()}  # the visit, and the sale that it brought


def test_other_conversion_types_reopen_days_that_had_none(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    attribution_stores.event_lake.append(event(timestamp=at(3, 9), event_type="signup"))
    attribution_stores.make(1, 7)
    assert attribution_stores.credits() == []
    attribution_stores.settle(f"org-{A}", conversion_types=["signup"])
    assert attribution_stores.catch_up().changed == [at(3).date()]
    assert attribution_stores.stale() == ()


def test_another_window_changes_the_conversions_that_it_lets_go(attribution_stores: AttributionStores) -> None:
    journey(attribution_stores)
    attribution_stores.settle(f"org-{A}", window_days=2)
    assert attribution_stores.catch_up().changed == [at(5).date()]


def test_a_run_killed_between_touches_and_credits_is_made_good_by_the_next(
    attribution_stores: AttributionStores,
) -> None:
    journey(attribution_stores)
    attribution_stores.catch_up()
    attribution_stores.event_lake.append(event(timestamp=at(1, 8), session_id="b", fbclid="f", utm_campaign="spring"))
    for window in attribution_stores.stale():
        attribution_stores.touches(window.start.day, window.end.day)
    # Here it dies. What it left behind is asked for again: the touch's day, the next, and the visitor's conversions.
    assert [(w.start, w.end) for w in attribution_stores.stale()] == [(at(1), at(4)), (at(5), at(6))]
    assert attribution_stores.credit().changed == [at(1).date(), at(3).date(), at(5).date()]
    assert attribution_stores.stale() == ()


@pytest.mark.parametrize("statement", ["credits_of_day", "credits_differ"])
def test_a_kill_amid_credits_leaves_whole_days(
    attribution_stores: AttributionStores, monkeypatch: pytest.MonkeyPatch, statement: str
) -> None:
    journey(attribution_stores)
    expected = attribution_stores.credits()
    attribution_stores.postgres.execute("truncate attribution.credits; update attribution.windows set credited = -1")
    calls = iter(range(100))

    def die(path: str) -> str:
        if path.endswith(f"{statement}.sql") and next(calls) == 2:
            raise KeyboardInterrupt
        return read_sql(path)

    with monkeypatch.context() as patch:
        patch.setattr(credit, "read_sql", die)
        with pytest.raises(KeyboardInterrupt):
            attribution_stores.credit()
    left = attribution_stores.of_days()
    assert left == {day: rows for day, rows in by_day(expected).items() if day <= at(2).date()}
    attribution_stores.credit()
    assert attribution_stores.credits() == expected


def test_two_builds_at_once_end_as_one(attribution_stores: AttributionStores) -> None:
    prepare(attribution_stores)
    events = [
        event(
            timestamp=at(1 + n % 5, n % 24),
            session_id=f"s{n}",
            anonymous_id=f"v{n % 7}",
            event_type="conversion" if n % 3 else "page_view",
            gclid="gA" if n % 2 else None,
        )
        for n in range(60)
    ]
    attribution_stores.event_lake.append(*events)
    with ThreadPoolExecutor(2) as pool:
        runs = [pool.submit(attribution_stores.make, 1, 7) for _ in range(2)]
        assert sum(len(run.result().changed) for run in runs) == 5
    assert attribution_stores.credits() == recount(
        single(events), CAMPAIGNS, CLICKS, RULES, CLICK_ADS, refund_types=REFUND_TYPES
    )
    assert attribution_stores.make(1, 7).changed == []


def test_days_that_have_not_settled_are_left_to_their_schedule(attribution_stores: AttributionStores) -> None:
    journey(attribution_stores)
    attribution_stores.stale()
    attribution_stores.catch_up()
    attribution_stores.event_lake.append(event(timestamp=at(5, 8), session_id="x", gclid="gA"))
    attribution_stores.event_lake.now = at(6) + timedelta(hours=2) - timedelta(seconds=1)
    assert attribution_stores.stale() == ()
    attribution_stores.event_lake.now += timedelta(seconds=1)
    assert [w.start for w in attribution_stores.stale()] == [at(5)]
