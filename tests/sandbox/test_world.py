"""The world is a pure function, its levels add up, and the metrics of a day only grow until they become void."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.world.catalogue import MALICIOUS_NAME
from sandbox.world.entities import PLATFORMS, Kind, Level, Platform, State
from sandbox.world.facts import SETTLED_AFTER_DAYS, leaf_fact, void_age
from sandbox.world.series import Query, Series
from sandbox.world.world import DailyRow, World

TODAY = date(2026, 11, 21)
NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
WORLD = World(7, TODAY)
platforms = st.sampled_from(PLATFORMS)
leaves = st.binary(min_size=16, max_size=16)
ordinals = st.integers(700_000, 760_000)
METRICS = ("impressions", "clicks", "spend", "conversions", "conversions_value")


def totals(rows: list[DailyRow], *key: str) -> dict[tuple[object, ...], tuple[Decimal, ...]]:
    sums: dict[tuple[object, ...], tuple[Decimal, ...]] = defaultdict(lambda: (Decimal(0),) * len(METRICS))
    for row in rows:
        name = tuple(getattr(row, part) for part in key)
        amounts = (Decimal(getattr(row, metric)) for metric in METRICS)
        sums[name] = tuple(one + other for one, other in zip(sums[name], amounts, strict=True))
    return dict(sums)


@settings(max_examples=25)
@given(st.integers(0, 2**32), platforms, st.integers(0, 130), st.sampled_from(["account", "campaign", "ad_group"]))
def test_the_same_seed_day_and_moment_give_the_same_rows(seed: int, platform: Platform, ago: int, level: Level) -> None:
    one, other = World(seed, TODAY), World(seed, TODAY)
    account = one.accounts(platform)[-1].id
    day = TODAY - timedelta(days=ago)
    other.daily(platform, account, level, day - timedelta(days=1), NOW)  # an earlier request changes nothing
    assert one.daily(platform, account, level, day, NOW) == other.daily(platform, account, level, day, NOW)
    assert one.campaigns(platform, account, NOW) == other.campaigns(platform, account, NOW)


def test_another_seed_is_another_world() -> None:
    account = WORLD.accounts("google")[0].id
    day = TODAY - timedelta(days=40)
    assert WORLD.daily("google", account, "account", day, NOW) != World(8, TODAY).daily(
        "google", account, "account", day, NOW
    )


@settings(max_examples=60)
@given(platforms, st.integers(0, 2), st.integers(0, 125), st.integers(0, 40))
def test_levels_add_up(platform: Platform, index: int, ago: int, later: int) -> None:
    account = WORLD.accounts(platform)[index]
    day, seen = TODAY - timedelta(days=ago), NOW + timedelta(days=later)
    levels: dict[Level, list[DailyRow]] = {
        level: WORLD.daily(platform, account.id, level, day, seen)
        for level in ("account", "campaign", "ad_group", "ad", "keyword")
    }
    assert totals(levels["account"], "account_id") == totals(levels["campaign"], "account_id")
    kinds = {str(campaign.id): campaign.kind for campaign in WORLD.tree(account).campaigns}
    deep = [row for row in levels["campaign"] if kinds[str(row.campaign_id)] is not Kind.BLENDED]
    assert totals(deep, "campaign_id") == totals(levels["ad_group"], "campaign_id")
    assert totals(levels["ad_group"], "ad_group_id") == totals(levels["ad"], "ad_group_id")
    if platform in ("google", "microsoft"):
        searched = [row for row in levels["ad_group"] if kinds[str(row.campaign_id)] is Kind.SEARCH]
        assert totals(searched, "ad_group_id") == totals(levels["keyword"], "ad_group_id")
    else:
        assert levels["keyword"] == []
    coin = Decimal(1) if account.currency == "JPY" else Decimal("0.000001" if platform == "google" else "0.01")
    for rows in levels.values():
        assert all(row.impressions > 0 and row.spend % coin == 0 and row.currency == account.currency for row in rows)


@given(leaves, ordinals, st.integers(0, 60), st.integers(0, 23), st.booleans())
def test_a_day_only_grows_until_it_is_voided_and_then_stands_still(
    leaf: bytes, day: int, age: int, hour: int, fractional: bool
) -> None:
    def at(age: int, hour: int = 0) -> tuple[int, ...]:
        fact = leaf_fact(leaf, day, age=age, hour=hour, cent=10_000, grain=1, fractional=fractional)
        return tuple(fact or (0,) * 6)

    voided = void_age(leaf, day)
    before, after = at(age, hour), at(age + 1, hour)
    if voided is not None and age + 1 >= voided:
        assert not any(after)
    else:
        assert all(one <= other for one, other in zip(before, after, strict=True))
    if age >= 1:
        assert before[:3] == after[:3] or (voided is not None and age + 1 >= voided)
    if age >= SETTLED_AFTER_DAYS:
        assert before == after
    assert all(one <= other for one, other in zip(at(0, hour), at(0, 23), strict=True))


def test_conversions_are_restated_and_some_rows_become_zero() -> None:
    account = WORLD.accounts("google")[0].id
    day = TODAY - timedelta(days=1)
    young = {row.keyword_id: row for row in WORLD.daily("google", account, "keyword", day, NOW)}
    old = {row.keyword_id: row for row in WORLD.daily("google", account, "keyword", day, NOW + timedelta(days=30))}
    assert any(old[name].conversions > young[name].conversions for name in young.keys() & old.keys())
    gone = 0
    for ago in range(1, 60):
        day = TODAY - timedelta(days=ago)
        rows = len(
            WORLD.daily("google", account, "keyword", day, datetime.combine(day, NOW.timetz()) + timedelta(days=1))
        )
        gone += rows - len(WORLD.daily("google", account, "keyword", day, NOW + timedelta(days=40)))
    assert gone > 0


def test_today_is_the_accounts_today() -> None:
    tonga = next(a for a in WORLD.accounts("google") if a.time_zone == "Pacific/Tongatapu")
    evening = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)  # 12:30 on the 21st there
    assert WORLD.daily("google", tonga.id, "account", TODAY, evening)
    assert not WORLD.daily("google", tonga.id, "account", TODAY, evening - timedelta(hours=13))
    new_york = WORLD.accounts("google")[0]
    assert not WORLD.daily("google", new_york.id, "account", TODAY, evening)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_entities_have_their_stories(platform: Platform) -> None:
    account = WORLD.accounts(platform)[0].id
    now, later = (
        {entity.id: entity for entity in WORLD.campaigns(platform, account, at)}
        for at in (NOW, NOW + timedelta(days=5))
    )
    assert now.keys() == later.keys()
    assert MALICIOUS_NAME in {entity.name for entity in now.values()}
    assert any(entity.deleted_at for entity in now.values())
    assert {one for one in now if later[one].deleted_at} > {one for one in now if now[one].deleted_at}
    assert any(now[one].name != later[one].name for one in now)
    assert State.NOVEL not in {entity.state for entity in now.values()}
    assert State.NOVEL in {entity.state for entity in later.values()}
    slugs = [entity.utm_campaign for entity in now.values()]
    assert all(slug.isascii() and slug.replace("_", "").isalnum() for slug in slugs)
    # The eighth has the name of one that was removed.
    assert len(slugs) - len(set(slugs)) == (len(slugs) > 7)


def test_hard_ids_and_shared_budgets() -> None:
    for platform, index in (("google", 2), ("facebook", 0), ("tiktok", 0)):
        tree = WORLD.tree(WORLD.accounts(platform)[0])  # type: ignore[arg-type]
        number = tree.campaigns[index].id
        assert number > 2**53
    google = WORLD.tree(WORLD.accounts("google")[0])
    assert google.campaigns[0].budget == google.campaigns[1].budget
    assert google.campaigns[0].budget.shared
    groups = [group for campaign in google.campaigns for group in campaign.ad_groups]
    words = [(group.id, word.id) for group in groups for word in group.keywords]
    assert len(set(words)) == len(words) > len({word for _, word in words})


@given(platforms, st.integers(0, 2), st.integers(0, 2**40))
def test_a_click_id_leads_back_to_its_campaign(platform: Platform, account: int, n: int) -> None:
    campaign = WORLD.campaigns(platform, WORLD.accounts(platform)[account].id, NOW)[-1].id
    click = WORLD.click_id(platform, campaign, n)
    assert WORLD.campaign_of_click(click) == (platform, campaign)
    assert WORLD.click_id(platform, campaign, n + 1) != click
    assert World(8, TODAY).campaign_of_click(click) is None


@given(st.text())
def test_other_text_is_no_click(text: str) -> None:
    assert WORLD.campaign_of_click(text) is None


def test_clicks_are_those_of_the_day() -> None:
    account = WORLD.accounts("google")[0].id
    day = TODAY - timedelta(days=1)
    clicks = list(WORLD.clicks("google", account, day, NOW))
    per_campaign = {row.campaign_id: row.clicks for row in WORLD.daily("google", account, "campaign", day, NOW)}
    counted: dict[str | None, int] = defaultdict(int)
    for click in clicks:
        counted[click.campaign_id] += 1
    assert dict(counted) == {campaign: count for campaign, count in per_campaign.items() if count}
    assert len({click.click_id for click in clicks}) == len(clicks)


@settings(max_examples=30)
@given(st.integers(0, 400), st.integers(1, 90))
def test_a_series_can_be_entered_anywhere(start: int, size: int) -> None:
    account = WORLD.accounts("microsoft")[0]
    query = Query(account, "ad_group", TODAY - timedelta(days=20), TODAY, NOW)
    series = Series(WORLD)
    everything = list(series.slice(query, 0))
    assert list(Series(WORLD).slice(query, start, size)) == everything[start : start + size]
    assert series.count(query) == len(everything)
