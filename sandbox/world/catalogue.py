"""How the campaigns, ad groups, ads and keywords of an account are generated from a seed.

The first campaigns of every account are renamed, removed, paused and so on, so that even a small world has every case.
The others do not change. What does not belong here: the metrics of their days (`facts`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from hashlib import blake2b
from random import Random
from typing import Literal

from sandbox.world.entities import Account, Ad, AdGroup, Budget, Campaign, Keyword, Kind, Leaf, Platform, Timeline, Tree

MALICIOUS_NAME = "Zürich 🚀 \"Sale\"; DROP TABLE campaigns--\n'100 %' \\ 東京, =cmd|'/c'!A1 </script>"
"""A legal campaign name. Code that quotes, counts or splits text without care breaks on it."""

_THEMES = ("spring_sale", "brand", "retargeting", "new_arrivals", "clearance", "lookalike", "holiday", "newsletter")
_WORDS = ("running shoes", "trail shoes", "shoe sale", "waterproof boots", "kids sneakers", "café racer jacket", "靴")
_MATCHES: tuple[Literal["EXACT", "PHRASE", "BROAD"], ...] = ("EXACT", "PHRASE", "BROAD")
_PLACES = (("USD", "America/New_York"), ("JPY", "Asia/Tokyo"), ("NZD", "Pacific/Tongatapu"), ("EUR", "Europe/Berlin"))

# Real ids of these platforms are as large as these. Those of Meta and TikTok do not fit a double (2**53 = 9.007e15).
_FIRST_ID: dict[Platform, int] = {
    "google": 21_000_000_000,
    "facebook": 120_200_000_000_000_000,
    "tiktok": 1_790_000_000_000_000_000,
    "microsoft": 400_000_000,
}
_FIRST_ACCOUNT: dict[Platform, int] = {
    "google": 4_155_551_000,
    "facebook": 10_150_000_000_000_000,
    "tiktok": 7_210_000_000_000_000_000,
    "microsoft": 180_000_100,
}
_BEYOND_DOUBLES = 9_007_199_254_740_993
_CRITERION = 297_000_000_000
# Ads have ids of their own range, so that the other entities' ids do not depend on how many ads there are.
_ADS_FROM = 5_000_000
_ADS_A_GROUP = 2


@dataclass(frozen=True, slots=True)
class Size:
    """The size of a world. A pair has the inclusive bounds of a number per parent. `days` is the history's length."""

    accounts: dict[Platform, int] = field(
        default_factory=lambda: {"google": 4, "facebook": 4, "tiktok": 3, "microsoft": 3}
    )
    campaigns: tuple[int, int] = (6, 12)
    ad_groups: tuple[int, int] = (2, 4)
    keywords: tuple[int, int] = (3, 6)
    days: int = 120


def accounts(size: Size, platform: Platform) -> tuple[Account, ...]:
    accounts = []
    for index in range(size.accounts.get(platform, 0)):
        currency, zone = _PLACES[index % len(_PLACES)]
        account_id = str(_FIRST_ACCOUNT[platform] + index * 7)
        name = f"{platform.title()} {currency} {index + 1}"
        accounts.append(Account(platform, account_id, name=name, currency=currency, time_zone=zone))
    return tuple(accounts)


def plant(seed: int, today: date, size: Size, account: Account, number: int) -> Tree:
    """Everything that an account ever has. `number` is its position among the platform's accounts."""
    return _Planter(seed, today, size, account, number).tree()


class _Planter:
    def __init__(self, seed: int, today: date, size: Size, account: Account, number: int) -> None:
        self._seed = seed
        self._account = account
        self._size = size
        self._noon = datetime.combine(today, time(12), UTC)
        self._start = today - timedelta(days=size.days)
        self._number = number
        self._random = Random(f"{seed}/{account.platform}/{account.id}")  # noqa: S311  # a world, not a secret
        self._next = _FIRST_ID[account.platform] + number * 10_000_000
        self._next_ad = self._next + _ADS_FROM

    def tree(self) -> Tree:
        campaigns = tuple(self._campaign(index) for index in range(self._random.randint(*self._size.campaigns)))
        return Tree(campaigns, tuple(leaf for campaign in campaigns for leaf in self._leaves(campaign)))

    def _id(self) -> int:
        self._next += 1
        return self._next

    def _days(self, days: int) -> datetime:
        return self._noon + timedelta(days=days)

    def _campaign(self, index: int) -> Campaign:
        platform = self._account.platform
        # The eighth takes the name of the third, which was removed before.
        named = 2 if index == 7 else index
        slug = f"{_THEMES[named % len(_THEMES)]}_{platform[0]}{self._number}_{named:02d}"
        kind = self._kind(index)
        own = Budget(self._id(), self._random.randrange(20, 500) * 100 * self._account.cent, False)
        identity = self._id()
        if platform == "google" and index == 2:
            identity = _BEYOND_DOUBLES + self._number
        groups = 0 if kind is Kind.BLENDED else self._random.randint(*self._size.ad_groups)
        return Campaign(
            identity,
            kind,
            slug,
            self._shared(own, index),
            self._story(index, slug),
            tuple(self._ad_group(slug, kind, group) for group in range(groups)),
        )

    def _kind(self, index: int) -> Kind:
        platform = self._account.platform
        if platform == "google" and index % 8 == 5:
            return Kind.BLENDED
        return Kind.SHOPPING if platform in ("google", "microsoft") and index % 8 == 4 else Kind.SEARCH

    def _shared(self, own: Budget, index: int) -> Budget:
        """The first two campaigns of the first account of Google and of Microsoft spend one budget."""
        if self._account.platform not in ("google", "microsoft") or self._number != 0 or index > 1:
            return own
        return Budget(_FIRST_ID[self._account.platform] - 1, 300_000_000, True)

    def _story(self, index: int, slug: str) -> Timeline:
        plain = Timeline(slug, self._start)
        stories = (
            replace(plain, name=MALICIOUS_NAME),
            replace(plain, renamed_at=self._days(-10), later_name=f"{slug} (renamed)"),
            replace(plain, removed_at=self._days(-15)),
            replace(plain, removed_at=self._days(3), renamed_at=self._days(2), later_name=f"{slug} (last days)"),
            replace(plain, novel_at=self._days(1)),
            replace(plain, starts=self._start + timedelta(days=self._size.days // 2)),
            replace(plain, paused_at=self._days(-5)),
            replace(plain, starts=self._days(-14).date()),
        )
        return stories[index] if index < len(stories) else plain

    def _ad_group(self, slug: str, kind: Kind, index: int) -> AdGroup:
        timeline = Timeline(f"group {index + 1} «{self._random.choice(_WORDS)}»", self._start)
        if index == 1:
            timeline = replace(timeline, removed_at=self._days(2))
        if index == 2:  # it exists and never has an impression
            timeline = replace(timeline, paused_at=self._days(-self._size.days - 1))
        identity = self._id()
        wanted = self._random.randint(*self._size.keywords)
        if kind is not Kind.SEARCH or self._account.platform in ("facebook", "tiktok"):
            wanted = 0
        bid, keywords = self._bid(), tuple(self._keyword(word) for word in range(wanted))
        return AdGroup(
            identity, bid, timeline, keywords, tuple(self._ad(slug, index, ad) for ad in range(_ADS_A_GROUP))
        )

    def _ad(self, slug: str, group: int, index: int) -> Ad:
        self._next_ad += 1
        timeline = Timeline(f"ad {index + 1} of {slug}", self._start)
        if (group, index) == (0, 1):
            timeline = replace(timeline, removed_at=self._days(-6))
        content = f"{slug}_{group}_{index}"
        return Ad(
            self._next_ad,
            headline=f"{_WORDS[index]} «{slug}»",
            body="Shoes, boots & more",
            landing_page=f"https://shop.example/{slug}?utm_content={content}",
            utm_content=content,
            timeline=timeline,
        )

    def _keyword(self, index: int) -> Keyword:
        text = _WORDS[index % len(_WORDS)] + ("" if index < len(_WORDS) else f" {index}")
        identity = _CRITERION + index if self._account.platform == "google" else self._id()
        timeline = Timeline(text, self._start, removed_at=self._days(-4) if index == 2 else None)
        score = None if index == 1 else 1 + self._random.randrange(10)
        return Keyword(identity, text, _MATCHES[index % 3], self._bid(), score, timeline)

    def _bid(self) -> int:
        return self._random.randrange(20, 400) * self._account.cent

    def _leaves(self, campaign: Campaign) -> list[Leaf]:
        paths: list[tuple[AdGroup | None, Keyword | None]] = []
        for group in campaign.ad_groups:
            paths += [(group, word) for word in group.keywords] or [(group, None)]
        return [self._leaf(campaign, index, group, word) for index, (group, word) in enumerate(paths or [(None, None)])]

    def _leaf(self, campaign: Campaign, index: int, group: AdGroup | None, word: Keyword | None) -> Leaf:
        lives: Sequence[Timeline] = [entity.timeline for entity in (campaign, group, word) if entity is not None]
        ad = group.ads[index % len(group.ads)] if group is not None else None
        name = f"{self._seed}/{self._account.platform}/{self._account.id}/{campaign.id}/{index}"
        return Leaf(
            blake2b(name.encode(), digest_size=16).digest(),
            index,
            max(life.starts for life in lives),
            min(life.last_day(self._account.zone) for life in lives),
            campaign,
            group,
            ad,
            word,
        )
