"""The world as tests and servers read it: its entities and the metrics of their days, as they are at a moment.

How the levels add up: an account's day is the sum of its campaigns on all platforms. A campaign is the sum of its ad
groups, except Google's BLENDED campaigns, which have none. An ad group is the sum of its ads and, in SEARCH campaigns
of Google and Microsoft, of its keywords. SHOPPING ad groups have no keywords, and Meta and TikTok have none at all.

Facts are computed on request, and only the last few days are kept. What does not belong here: how entities are
generated (`catalogue`), and pages (`series`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from sandbox.world import catalogue
from sandbox.world.actions import actions
from sandbox.world.catalogue import Size
from sandbox.world.clicks import ClickIds
from sandbox.world.entities import Account, Ad, AdGroup, Campaign, Keyword, Leaf, Level, Platform, State, Tree
from sandbox.world.facts import Fact, leaf_fact

_MILLION = Decimal(1_000_000)
_DAYS_KEPT = 8


class Row(NamedTuple):
    """A day of an entity for the servers: the entity, the entities above it, and its fact."""

    day: date
    campaign: Campaign | None
    ad_group: AdGroup | None
    ad: Ad | None
    keyword: Keyword | None
    fact: Fact

    def is_gone(self, at: datetime) -> bool:
        """Whether its entity is removed, or one above it."""
        entities = (self.campaign, self.ad_group, self.ad, self.keyword)
        return any(one is not None and one.timeline.state(at) is State.REMOVED for one in entities)


@dataclass(frozen=True, slots=True)
class DailyRow:
    """A day of an entity for tests: native ids, exact decimals. `day` is the account's local day."""

    day: date
    account_id: str
    campaign_id: str | None
    ad_group_id: str | None
    ad_id: str | None
    keyword_id: str | None
    impressions: int
    clicks: int
    spend: Decimal
    conversions: Decimal
    conversions_value: Decimal
    currency: str


class ConversionRow(NamedTuple):
    """The conversions of an entity's day by one action and window, for tests. `day` is the account's local day."""

    day: date
    campaign_id: str | None
    ad_group_id: str | None
    ad_id: str | None
    keyword_id: str | None
    action: str
    label: str
    window: str
    count: Decimal  # type: ignore[assignment]  # no one asks a record how often it holds a value
    value: Decimal


@dataclass(frozen=True, slots=True)
class Entity:
    """A campaign, ad group, ad or keyword at a moment. A keyword's name is its text. `utm_campaign`: the campaign's."""

    id: str
    parent_id: str
    campaign_id: str
    name: str
    state: State
    deleted_at: datetime | None
    utm_campaign: str


@dataclass(frozen=True, slots=True)
class Click:
    """One paid click of a leaf. The address of the landing page carries `click_id` and `utm_campaign`."""

    click_id: str
    campaign_id: str
    utm_campaign: str
    leaf: Leaf


class Moment(NamedTuple):
    """The date and hour on an account's local clock. Facts change at most once an hour."""

    today: date
    hour: int


class World:
    """A world of accounts: a pure function of (`seed`, `today`, `size`). Its history leads up to `today`, a UTC day.
    What happens to its entities happens some days before or after that day's noon."""

    def __init__(self, seed: int, today: date, size: Size | None = None) -> None:
        self.seed = seed
        self.today = today
        self.size = size or Size()
        self.new_field_at = datetime.combine(today, time(12), UTC) + timedelta(days=1)
        """The time from which the platforms send a field that was not asked for."""
        self._clicks = ClickIds(seed)
        self._day = lru_cache(maxsize=_DAYS_KEPT)(self._compute_day)
        self._plant = lru_cache(maxsize=64)(self._compute_tree)

    def accounts(self, platform: Platform) -> tuple[Account, ...]:
        return catalogue.accounts(self.size, platform)

    def account(self, platform: Platform, account_id: str) -> Account:
        """Raises KeyError for an account that is not of this world."""
        for account in self.accounts(platform):
            if account.id == account_id:
                return account
        raise KeyError(f"no {platform} account {account_id}")

    def tree(self, account: Account) -> Tree:
        return self._plant(account)

    def begun(self, account: Account, observed_at: datetime) -> list[Campaign]:
        """All campaigns that have begun, the removed ones too."""
        today = moment(account, observed_at).today
        return [campaign for campaign in self.tree(account).campaigns if campaign.timeline.starts <= today]

    def campaigns(self, platform: Platform, account_id: str, observed_at: datetime) -> list[Entity]:
        """All campaigns that have begun. `deleted_at` is set for those that are removed."""
        campaigns = self.begun(self.account(platform, account_id), observed_at)
        return [_entity(campaign, account_id, campaign, observed_at) for campaign in campaigns]

    def ad_groups(self, platform: Platform, account_id: str, observed_at: datetime) -> list[Entity]:
        campaigns = self.begun(self.account(platform, account_id), observed_at)
        return [_entity(group, str(c.id), c, observed_at) for c in campaigns for group in c.ad_groups]

    def keywords(self, platform: Platform, account_id: str, observed_at: datetime) -> list[Entity]:
        campaigns = self.begun(self.account(platform, account_id), observed_at)
        return [
            _entity(word, str(group.id), campaign, observed_at)
            for campaign in campaigns
            for group in campaign.ad_groups
            for word in group.keywords
        ]

    def ads(self, platform: Platform, account_id: str, observed_at: datetime) -> list[Entity]:
        campaigns = self.begun(self.account(platform, account_id), observed_at)
        return [
            _entity(ad, str(group.id), campaign, observed_at)
            for campaign in campaigns
            for group in campaign.ad_groups
            for ad in group.ads
        ]

    def conversions(
        self, platform: Platform, account_id: str, level: Level, day: date, observed_at: datetime
    ) -> list[ConversionRow]:
        """The true conversions of one local day of an account at one level, by the platform's actions and windows."""
        account = self.account(platform, account_id)
        return [
            ConversionRow(day, *ids, action.name, action.label, action.window, action.count, action.value)
            for row in self.rows(account, level, day, moment(account, observed_at))
            for ids in [_ids(row)]
            for action in actions(platform, row.fact)
        ]

    def daily(
        self, platform: Platform, account_id: str, level: Level, day: date, observed_at: datetime
    ) -> list[DailyRow]:
        """The true metrics of one local day of an account at one level. An entity without metrics has no row."""
        account = self.account(platform, account_id)
        return [
            DailyRow(
                day,
                account.id,
                *_ids(row),
                row.fact.impressions,
                row.fact.clicks,
                row.fact.cost / _MILLION,
                row.fact.conversions / _MILLION,
                row.fact.value / _MILLION,
                account.currency,
            )
            for row in self.rows(account, level, day, moment(account, observed_at))
        ]

    def rows(self, account: Account, level: Level, day: date, at: Moment) -> tuple[Row, ...]:
        """The same for the servers, in an order that never changes, so that a page can continue where another ended."""
        if day > at.today:
            return ()
        return self._day(account, level, day, at if day == at.today else Moment(at.today, 0))

    def click_id(self, platform: Platform, campaign_id: str, n: int) -> str:
        """The click id number `n` (from 0) of a campaign: a gclid, fbclid, ttclid or msclkid."""
        return self._clicks.make(platform, int(campaign_id), n)

    def campaign_of_click(self, click_id: str) -> tuple[Platform, str] | None:
        """The platform and campaign id of a click id of this world. None for any other text."""
        return self._clicks.campaign(click_id)

    def clicks(self, platform: Platform, account_id: str, day: date, observed_at: datetime) -> Iterator[Click]:
        """The clicks of a local day, as many as the day's `clicks`. Their ids do not depend on the moment."""
        account = self.account(platform, account_id)
        at = moment(account, observed_at)
        for leaf in self.tree(account).leaves:
            fact = self._fact(account, leaf, day, at)
            first = (day.toordinal() * 1_000 + leaf.index) * 10_000
            for click in range(fact.clicks if fact else 0):
                click_id = self._clicks.make(platform, leaf.campaign.id, first + click)
                yield Click(click_id, str(leaf.campaign.id), leaf.campaign.utm_campaign, leaf)

    def _compute_tree(self, account: Account) -> Tree:
        number = self.accounts(account.platform).index(account)
        return catalogue.plant(self.seed, self.today, self.size, account, number)

    def _compute_day(self, account: Account, level: Level, day: date, at: Moment) -> tuple[Row, ...]:
        rows = []
        for leaf in self.tree(account).leaves:
            fact = self._fact(account, leaf, day, at)
            if fact is not None:
                rows.append(Row(day, leaf.campaign, leaf.ad_group, leaf.ad, leaf.keyword, fact))
        if level == "keyword":
            return tuple(row._replace(ad=None) for row in rows if row.keyword is not None)
        if level == "ad":
            return _summed([row._replace(keyword=None) for row in rows if row.ad is not None])
        if level == "ad_group":
            return _summed([row._replace(keyword=None, ad=None) for row in rows if row.ad_group is not None])
        if level == "campaign":
            return _summed([row._replace(keyword=None, ad=None, ad_group=None) for row in rows])
        return _summed([row._replace(keyword=None, ad=None, ad_group=None, campaign=None) for row in rows])

    @staticmethod
    def _fact(account: Account, leaf: Leaf, day: date, at: Moment) -> Fact | None:
        if not leaf.first_day <= day <= leaf.last_day:
            return None
        google = account.platform == "google"
        return leaf_fact(
            leaf.key,
            day.toordinal(),
            age=(at.today - day).days,
            hour=at.hour,
            cent=account.cent,
            # Only Google reports parts of a coin.
            grain=1 if google and account.cent < 1_000_000 else account.cent,
            fractional=google,
        )


def moment(account: Account, observed_at: datetime) -> Moment:
    """What the account's clock shows at a time, which must have a time zone."""
    if observed_at.tzinfo is None:
        raise ValueError("observed_at needs a time zone")
    local = observed_at.astimezone(account.zone)
    return Moment(local.date(), local.hour)


def _summed(rows: list[Row]) -> tuple[Row, ...]:
    """One row for each entity, with the sum of all its rows, in the order in which the entities first appear."""
    sums: dict[tuple[str | None, ...], Row] = {}
    for row in rows:
        key = _ids(row)
        sums[key] = row._replace(fact=sums[key].fact.plus(row.fact)) if key in sums else row
    return tuple(sums.values())


def _ids(row: Row) -> tuple[str | None, str | None, str | None, str | None]:
    campaign, group, ad, keyword = (
        None if entity is None else str(entity.id) for entity in (row.campaign, row.ad_group, row.ad, row.keyword)
    )
    return campaign, group, ad, keyword


def _entity(entity: Campaign | AdGroup | Ad | Keyword, parent_id: str, campaign: Campaign, at: datetime) -> Entity:
    timeline = entity.timeline
    return Entity(
        str(entity.id),
        parent_id=parent_id,
        campaign_id=str(campaign.id),
        name=timeline.name_at(at),
        state=timeline.state(at),
        deleted_at=timeline.removed_at if timeline.state(at) is State.REMOVED else None,
        utm_campaign=campaign.utm_campaign,
    )
