"""What people refused is honoured in attribution from its moment on, and nothing before it changes."""

import json
from datetime import date
from typing import Any

import pytest

from assets.windows import Window
from resources.declined import DeclinedError
from tests.assets.attribution.attribution_stores import AttributionStores
from tests.assets.attribution.strategies import A, B, prepare
from tests.assets.rollups.event_lake import at, event

LISTED = """
insert into marketing_choices (id, organization_id, subject_kind, subject, choice, chosen_at) values (?, ?, ?, ?, ?, ?)
"""


def visit(day: int, hour: int, **fields: Any) -> dict[str, Any]:
    """A visit that names a campaign; the session is of its hour alone."""
    plain = {"consent_marketing": True, "gclid": "gA", "anonymous_id": "v"}
    return event(timestamp=at(day, hour), session_id=f"s{day}-{hour}", **{**plain, **fields})


def bought(day: int, hour: int, **fields: Any) -> dict[str, Any]:
    return visit(day, hour, gclid=None, event_type="conversion", event_value=10.0, **fields)


def opted_out(day: int, hour: int, value: object = True, **fields: Any) -> dict[str, Any]:
    """An event of a browser with Sec-GPC."""
    return visit(day, hour, gclid=None, event_data=json.dumps({"gpc": value}), **fields)


def listed(stores: AttributionStores, choice: str, day: int, hour: int, subject: str = "v", **fields: str) -> None:
    kind, org = fields.get("kind", "visitor"), fields.get("org", A)
    chosen_at = f"{at(day, hour):%Y-%m-%dT%H:%M:%S}.000Z"
    stores.d1.execute(LISTED, [f"{choice}{day}{hour}{subject}", f"org-{org}", kind, subject, choice, chosen_at])


def made(stores: AttributionStores) -> tuple[list[tuple[int, int]], list[tuple[int, int]], list[tuple[int, int]]]:
    """Day and hour of every touch, of every conversion with a visitor, and of those without one."""

    def moments(table: str, condition: str) -> list[tuple[int, int]]:
        rows = stores.postgres.fetch(f"select at from attribution.{table} where {condition} order by at")
        return [(row["at"].day, row["at"].hour) for row in rows]

    return (
        moments("touches", "true"),
        moments("conversions", "visitor is not null"),
        moments("conversions", "visitor is null"),
    )


@pytest.fixture
def stores(attribution_stores: AttributionStores) -> AttributionStores:
    prepare(attribution_stores)
    return attribution_stores


def test_a_flag_that_refuses_holds_for_later_events_without_one_until_the_next(stores: AttributionStores) -> None:
    none = {"consent_marketing": None}
    stores.event_lake.append(
        visit(1, 1, **none),
        visit(2, 5, gclid=None, consent_marketing=False),
        visit(2, 4, **none),
        visit(2, 6, **none),
        bought(3, 1, **none),
        visit(3, 2, anonymous_id="other", **none),
        visit(3, 3, org_tag=B, gclid=None, utm_campaign="brand", **none),
        visit(4, 7, gclid=None),
        visit(4, 6, **none),
        visit(4, 8, **none),
        bought(5, 1, **none),
    )
    stores.make(1, 7)
    assert made(stores) == ([(1, 1), (2, 4), (3, 2), (3, 3), (4, 8)], [(5, 1)], [(3, 1)])


def test_a_browser_that_opts_out_stays_out_though_its_flag_agrees(stores: AttributionStores) -> None:
    stores.event_lake.append(visit(1, 1), bought(1, 2), opted_out(2, 5), visit(2, 4), visit(2, 6), bought(3, 1))
    stores.make(1, 7)
    assert made(stores) == ([(1, 1), (2, 4)], [(1, 2)], [(3, 1)])
    # What was touched before it is credited with what was bought before it, and with nothing after.
    credited = stores.postgres.fetch(
        "select day, campaign_id || reason as whose from attribution.credits where model = 'first' order by day"
    )
    assert credited == [
        {"day": date(2026, 3, 1), "whose": "google:g1:12"},
        {"day": date(2026, 3, 3), "whose": "no_consent"},
    ]


@pytest.mark.parametrize(("value", "is_out"), [(True, True), (1, True), ("1", True), (False, False), (0, False)])
def test_the_signal_is_a_value_that_says_yes(stores: AttributionStores, value: object, is_out: bool) -> None:
    stores.event_lake.append(opted_out(1, 1, value), visit(1, 2))
    stores.make(1, 2)
    assert made(stores)[0] == ([] if is_out else [(1, 2)])


@pytest.mark.parametrize("text", ['{"gpc"', '"gpc"', '["gpc"]', '{"a": {"gpc": true}}', '{"gpc": "true story"}', ""])
def test_odd_event_data_says_nothing(stores: AttributionStores, text: str) -> None:
    stores.event_lake.append(visit(1, 1, gclid=None, event_data=text), visit(1, 2))
    stores.make(1, 2)
    assert made(stores)[0] == [(1, 2)]


def test_a_signal_opts_out_the_person_and_their_other_browsers_from_where_they_are_known(
    stores: AttributionStores,
) -> None:
    stores.event_lake.append(
        visit(1, 1, anonymous_id="phone", user_id="u"),
        opted_out(2, 5, anonymous_id="laptop", user_id="u"),
        visit(3, 1, anonymous_id="phone"),
        visit(3, 2, anonymous_id="phone", user_id="u"),
        visit(3, 3, anonymous_id="phone"),
        visit(3, 4, anonymous_id="other", user_id="w"),
        visit(4, 1, anonymous_id="phone"),
        visit(4, 2, anonymous_id="laptop"),
    )
    stores.make(1, 7)
    assert made(stores)[0] == [(1, 1), (3, 1), (3, 4)]


@pytest.mark.parametrize("choice", ["withdrawn", "do_not_sell"])
def test_the_list_of_the_application_holds_from_its_moment_on_until_it_agrees(
    stores: AttributionStores, choice: str
) -> None:
    listed(stores, choice, 2, 5)
    listed(stores, "granted", 4, 5)
    listed(stores, choice, 1, 0, subject="u", kind="user", org=B)
    stores.event_lake.append(
        *(visit(day, hour) for day in (1, 2, 3, 4) for hour in (4, 5, 6)),
        visit(3, 7, user_id="u"),
        visit(3, 8, anonymous_id="x", user_id="u"),
    )
    stores.make(1, 7)
    assert made(stores)[0] == [*((1, hour) for hour in (4, 5, 6)), (2, 4), (3, 8), *((4, hour) for hour in (5, 6))]


def test_a_late_withdrawal_changes_the_days_from_its_moment_on_and_no_other(stores: AttributionStores) -> None:
    stores.event_lake.append(
        *(visit(day, hour) for day in (1, 2, 3, 4) for hour in (4, 6)),
        *(bought(day, 7) for day in (1, 2, 3, 4)),
    )
    stores.catch_up()
    assert stores.stale() == ()
    before = stores.of_days()
    listed(stores, "withdrawn", 2, 5)
    # The list is read by the next run, whatever its days are.
    stores.touches(6, 7)
    assert stores.stale() == (Window(at(2), at(5)),)
    assert set(stores.catch_up().changed) == {at(day).date() for day in (2, 3, 4)}
    assert stores.of_days()[at(1).date()] == before[at(1).date()]
    assert made(stores) == ([(1, 4), (1, 6), (2, 4)], [(1, 7)], [(2, 7), (3, 7), (4, 7)])
    assert stores.stale() == ()
    # And back again, when the row is taken out of the list.
    stores.d1.execute("delete from marketing_choices")
    stores.touches(6, 7)
    stores.catch_up()
    assert stores.of_days() == before


def test_a_late_event_that_withdraws_reopens_the_days_after_it(stores: AttributionStores) -> None:
    none = {"consent_marketing": None}
    stores.event_lake.append(*(visit(day, 4, **none) for day in (1, 2, 3, 4)))
    stores.catch_up()
    stores.event_lake.append(visit(2, 5, gclid=None, consent_marketing=False))
    stores.catch_up()
    stores.catch_up()
    assert made(stores)[0] == [(1, 4), (2, 4)]
    assert stores.stale() == ()


def test_a_late_choice_reopens_the_days_alone_on_which_somebody_of_it_was_seen(stores: AttributionStores) -> None:
    none = {"consent_marketing": None}
    stores.event_lake.append(
        *(visit(day, 4, **none) for day in (1, 3, 5)),
        *(visit(day, 5, anonymous_id="other", **none) for day in range(1, 6)),
        *(visit(day, 6, anonymous_id="laptop", user_id="u", **none) for day in (2, 4)),
        *(visit(day, 6, anonymous_id="laptop", **none) for day in (3, 5)),
        *(visit(day, 7, org_tag=B, gclid=None, utm_campaign="brand", **none) for day in range(1, 6)),
    )
    stores.catch_up()
    stores.event_lake.append(visit(2, 3, gclid=None, consent_marketing=False))
    stores.stale()
    stores.touches(2, 3)
    assert stores.stale() == (Window(at(3), at(4)), Window(at(5), at(6)))
    stores.catch_up()
    assert stores.stale() == ()
    # On the 4th the user is seen, who makes their browser a refused one from there on: the 5th follows from it.
    listed(stores, "withdrawn", 3, 0, subject="u", kind="user")
    stores.touches(6, 7)
    assert stores.stale() == (Window(at(4), at(5)),)
    assert stores.catch_up().changed == [at(4).date()]
    assert stores.stale() == (Window(at(5), at(6)),)
    assert stores.catch_up().changed == [at(5).date()]
    gone = {(3, 4), (5, 4), (4, 6), (5, 6)}
    seen = {(1, 4), *((day, hour) for day in range(1, 6) for hour in (5, 7)), (2, 6), (3, 6), *gone}
    assert set(made(stores)[0]) == seen - gone


def test_days_that_nobody_makes_again_stay_as_they_are(stores: AttributionStores) -> None:
    """Otherwise retention would wait for them for ever."""
    none = {"consent_marketing": None}
    stores.event_lake.append(*(visit(day, 4, **none) for day in (1, 2, 3, 4)))
    stores.catch_up()
    stores.late_horizon = stores.event_lake.now - at(4)
    stores.event_lake.append(visit(1, 5, gclid=None, consent_marketing=False))
    stores.touches(1, 2)
    assert stores.stale() == (Window(at(4), at(5)),)


def test_choices_are_kept_as_hashes_and_only_of_those_who_refused(stores: AttributionStores) -> None:
    stores.event_lake.append(
        visit(1, 1, anonymous_id="agrees", user_id="somebody"), opted_out(1, 2, anonymous_id="refuses", user_id="known")
    )
    stores.make(1, 2)
    rows = stores.postgres.fetch("select subject_kind, source, refuses, length(subject) as bytes from consent.choices")
    kinds = sorted((row["subject_kind"], row["source"], row["refuses"], row["bytes"]) for row in rows)
    assert kinds == [("user", "signal", True, 16), ("visitor", "signal", True, 16)]


def test_a_choice_of_no_time_is_named_and_stops_the_run(stores: AttributionStores) -> None:
    stores.d1.execute(LISTED, ["c1", f"org-{A}", "visitor", "v", "withdrawn", "yesterday"])
    with pytest.raises(DeclinedError, match="the choice c1 a3f7c2 of the list was made at no time"):
        stores.make(1, 2)
