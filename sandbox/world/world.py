"""The world as tests and servers ask for it: who is in it, and what their days were worth, at a moment.

Where levels agree: every account day is the sum of its campaigns on all platforms. A campaign is the sum of its ad
groups, except Google's BLENDED campaigns, which have none. An ad group is the sum of its keywords in SEARCH campaigns
of Google and Microsoft; SHOPPING ad groups have no keywords, and Meta and TikTok have no keywords at all.

Facts are computed when they are asked for; only a few recent days are kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from sandbox.world import catalogue
from sandbox.world.catalogue import Size
from sandbox.world.clicks import ClickIds
from sandbox.world.entities import (
    Account,
    AdGroup,
    Campaign,
    Keyword,
    Level,
    Platform,
    State,
    Timeline,
    Tree,
)
from sandbox.world.facts import NOTHING, Fact, leaf_fact

_MILLION = Decimal(1_000_000)
_DAYS_KEPT = 8


class Row(NamedTuple):
    """A day of an entity, as the servers use it: the entities above it down to its level, and its fact."""

    day: date
    campaign: Campaign | None
    ad_group: AdGroup | None
    keyword: Keyword | None
    fact: Fact


@dataclass(frozen=True, slots=True)
class DailyRow:
    """A day of an entity, as tests compare it: native ids, exact decimals. `day` is the account's local day."""

    day: date
    account_id: str
    campaign_id: str | None
    ad_group_id: str | None
    keyword_id: str | None
    impressions: int
    clicks: int
    spend: Decimal
    conversions: Decimal
    conversions_value: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Entity:
    """A campaign, ad group or keyword at a moment. `name` is a keyword's text; `utm_campaign` its campaign's slug."""

    id: str
    parent_id: str
    campaign_id: str
    name: str
    state: State
    deleted_at: datetime | None
    utm_campaign: str


@dataclass(frozen=True, slots=True)
class Click:
    """One paid click, as the landing page sees it (`click_id`, `utm_campaign`)."""

    click_id: str
    campaign_id: str
    ad_group_id: str | None
    keyword_id: str | None
    utm_campaign: str


class Moment(NamedTuple):
    """What a local clock shows to an account: facts change with nothing finer."""

    today: date
    hour: int


class World:
    """A world of accounts: pure in (`seed`, `today`, `size`). `today` is the UTC day that its history leads up to;
    what happens to its entities is placed around that day's noon."""

    def __init__(self, seed: int, today: date, size: Size | None = None) -> None:
        self.seed = seed
        self.today = today
        self.size = size or Size.default()
        self.new_field_at = datetime.combine(today, time(12), UTC) + timedelta(days=1)
        """When the platforms begin to send a field that nobody asked for."""
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

    def campaigns(self, platform: Platform, account_id: str, observed_at: datetime) -> list[Entity]:
        """All campaigns begun by then, the deleted ones too (`deleted_at` is set)."""
        tree = self.tree(self.account(platform, account_id))
        return [
            _entity(str(campaign.id), account_id, campaign, campaign.timeline, observed_at)
            for campaign in tree.campaigns
            if exists(campaign.timeline, tree.account, observed_at)
        ]

    def ad_groups(self, platform: Platform, account_id: str, observed_at: datetime) -> list[Entity]:
        tree = self.tree(self.account(platform, account_id))
        return [
            _entity(str(group.id), str(campaign.id), campaign, group.timeline, observed_at)
            for campaign, group in tree.ad_groups()
            if exists(campaign.timeline, tree.account, observed_at)
        ]

    def keywords(self, platform: Platform, account_id: str, observed_at: datetime) -> list[Entity]:
        tree = self.tree(self.account(platform, account_id))
        return [
            _entity(str(word.id), str(group.id), campaign, word.timeline, observed_at)
            for campaign, group, word in tree.keywords()
            if exists(campaign.timeline, tree.account, observed_at)
        ]

    def daily(
        self, platform: Platform, account_id: str, level: Level, day: date, observed_at: datetime
    ) -> list[DailyRow]:
        """The truth about one local day of an account at one level. A day that earned nothing has no row."""
        account = self.account(platform, account_id)
        return [
            DailyRow(
                day,
                account.id,
                None if row.campaign is None else str(row.campaign.id),
                None if row.ad_group is None else str(row.ad_group.id),
                None if row.keyword is None else str(row.keyword.id),
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
        """The same for the servers; in a stable order, so that a page can go on where another ended."""
        if day > at.today:
            return ()
        return self._day(account, level, day, at if day == at.today else Moment(at.today, 0))

    def click_id(self, platform: Platform, campaign_id: str, n: int) -> str:
        """The nth click id of a campaign (n from 0 up): gclid, fbclid, ttclid or msclkid by platform."""
        return self._clicks.make(platform, int(campaign_id), n)

    def campaign_of_click(self, click_id: str) -> tuple[Platform, str] | None:
        """The platform and campaign id of a click id of this world; None for any other text."""
        return self._clicks.campaign(click_id)

    def clicks(self, platform: Platform, account_id: str, day: date, observed_at: datetime) -> Iterator[Click]:
        """Every click of a local day, as many as the day's `clicks`; an id stays the same whenever it is observed."""
        account = self.account(platform, account_id)
        at = moment(account, observed_at)
        for leaf in self.tree(account).leaves:
            fact = self._fact(account, leaf.key, leaf.first_day, leaf.last_day, day, at)
            first = (day.toordinal() * 1_000 + leaf.index) * 10_000
            for click in range(fact.clicks if fact else 0):
                yield Click(
                    self._clicks.make(platform, leaf.campaign.id, first + click),
                    str(leaf.campaign.id),
                    None if leaf.ad_group is None else str(leaf.ad_group.id),
                    None if leaf.keyword is None else str(leaf.keyword.id),
                    leaf.campaign.utm_campaign,
                )

    def _compute_tree(self, account: Account) -> Tree:
        number = self.accounts(account.platform).index(account)
        return catalogue.plant(self.seed, self.today, self.size, account, number)

    def _compute_day(self, account: Account, level: Level, day: date, at: Moment) -> tuple[Row, ...]:
        rows = []
        for leaf in self.tree(account).leaves:
            fact = self._fact(account, leaf.key, leaf.first_day, leaf.last_day, day, at)
            if fact is not None:
                rows.append(Row(day, leaf.campaign, leaf.ad_group, leaf.keyword, fact))
        if level == "keyword":
            return tuple(row for row in rows if row.keyword is not None)
        if level == "ad_group":
            held = [row._replace(keyword=None) for row in rows if row.ad_group is not None]
            return _summed(held)
        if level == "campaign":
            return _summed([row._replace(keyword=None, ad_group=None) for row in rows])
        return _summed([row._replace(keyword=None, ad_group=None, campaign=None) for row in rows])

    @staticmethod
    def _fact(account: Account, key: bytes, first: date, last: date, day: date, at: Moment) -> Fact | None:
        if not first <= day <= last:
            return None
        google = account.platform == "google"
        return leaf_fact(
            key,
            day.toordinal(),
            age=(at.today - day).days,
            hour=at.hour,
            cent=account.cent,
            # Only Google reports cost in micros finer than a coin.
            grain=1 if google and account.cent < 1_000_000 else account.cent,
            fractional=google,
        )


def moment(account: Account, observed_at: datetime) -> Moment:
    """What the account's clock shows at an instant (which must have a time zone)."""
    if observed_at.tzinfo is None:
        raise ValueError("observed_at needs a time zone")
    local = observed_at.astimezone(account.zone)
    return Moment(local.date(), local.hour)


def exists(timeline: Timeline, account: Account, observed_at: datetime) -> bool:
    """Whether an entity has begun by then."""
    return timeline.starts <= moment(account, observed_at).today


def _summed(rows: list[Row]) -> tuple[Row, ...]:
    """Rows of the same entity, which stand beside each other, become one."""
    summed = []
    for _, same in groupby(rows, key=lambda row: (row.campaign and row.campaign.id, row.ad_group and row.ad_group.id)):
        members = list(same)
        total = NOTHING
        for row in members:
            total = total.plus(row.fact)
        summed.append(members[0]._replace(fact=total))
    return tuple(summed)


def _entity(identity: str, parent: str, campaign: Campaign, timeline: Timeline, at: datetime) -> Entity:
    return Entity(
        identity,
        parent,
        str(campaign.id),
        timeline.name_at(at),
        timeline.state(at),
        timeline.deleted_at(at),
        campaign.utm_campaign,
    )
