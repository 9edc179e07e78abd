"""What the tests of attribution share: a lake, organisations in D1, ad accounts and campaigns, and the engines."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from assets.ads.sync import AdSync
from assets.apps import App
from assets.attribution.build import TouchCounts, Touches
from assets.attribution.clicks import ClickReport, Clicks
from assets.attribution.credit import Credited, Credits
from assets.attribution.late import stale
from assets.attribution.touches import click_hash
from assets.rollups.follow import follow
from assets.windows import Window
from resources.ad_platforms import PLATFORMS, Click
from resources.d1 import D1
from sandbox import sample_stores
from tests.assets.rollups.event_lake import EventLake, at
from tests.databases import empty

ZONES = {"google": "Pacific/Tongatapu", "facebook": "Asia/Tokyo", "tiktok": "America/New_York", "microsoft": "UTC"}
HORIZON = timedelta(days=35)
ALWAYS, NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
CURRENCIES = {"google": "NZD", "facebook": "JPY", "tiktok": "USD", "microsoft": "EUR"}


@dataclass(frozen=True)
class Campaign:
    """A campaign of an organisation; account and zone, where they are not given, follow from the platform.

    ads: native ids and names, and the utm_content of their own address; they are in an ad group of the campaign's id.
    since, until: when it lived under this name.
    """

    org: str
    platform: str
    native: str
    name: str
    account_id: str = ""
    time_zone: str = ""
    ads: tuple[tuple[str, str] | tuple[str, str, str], ...] = ()
    since: datetime = ALWAYS
    until: datetime = NEVER

    @property
    def account(self) -> str:
        return self.account_id or f"{self.platform[0]}1"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone or ZONES[self.platform])

    @property
    def id(self) -> str:
        return f"{self.platform}:{self.account}:{self.native}"

    def ad(self, native: str) -> str:
        """Our id of one of its ads."""
        return f"{self.platform}:{self.account}:{self.native}:{native}"


@dataclass
class AttributionStores:
    """Stores with the sample's organisations, tags a3f7c2, b8e9d1, … of organisations org-a3f7c2, …"""

    event_lake: EventLake
    late_horizon: timedelta = HORIZON

    def __post_init__(self) -> None:
        sample_stores.fill_d1(self.d1)

    @property
    def app(self) -> App:
        return self.event_lake.app

    @property
    def d1(self) -> D1:
        return self.event_lake.stores.d1(self.app)

    @property
    def postgres(self) -> Any:
        return self.event_lake.postgres

    def clear(self) -> None:
        """An empty lake, no campaign, no rules, no choice."""
        self.event_lake.clear()
        empty(self.postgres, "attribution", "ads", "consent")
        self.d1.execute("update organizations set settings = '{}'")
        self.d1.execute("delete from marketing_choices")

    def settle(self, org: str, **attribution: Any) -> None:
        """An organisation's attribution settings."""
        self.d1.execute(
            "update organizations set settings = ? where id = ?", [json.dumps({"attribution": attribution}), org]
        )

    def campaign(self, *campaigns: Campaign) -> None:
        """Campaigns with their accounts, new or under another name, as a sync would have them."""
        for one in campaigns:
            account = [one.org, f"{one.platform}:{one.account}", one.platform, one.account]
            place = [CURRENCIES[one.platform], ZONES[one.platform]]
            self.postgres.execute(
                "insert into ads.ad_accounts (app, org_id, id, platform, account_id, connection_id, currency,"
                " time_zone, updated_at, raw_data) values (%s, %s, %s, %s, %s, 'c', %s, %s, now(), '{}')"
                " on conflict do nothing",
                [self.app.name, *account, *place],
            )
            self.postgres.execute(
                "insert into ads.campaigns (app, org_id, id, platform, account_id, native_id, name, currency,"
                " created_at, updated_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
                " on conflict (app, org_id, id) do update set name = excluded.name, updated_at = excluded.updated_at",
                [
                    *(self.app.name, one.org, one.id, one.platform, one.account, one.native, one.name, place[0]),
                    *(None if one.since == ALWAYS else one.since, self.event_lake.now),
                ],
            )

            for native, name, *tag in one.ads:
                self._ad(one, native, name, *tag)

    def delete(self, campaign: Campaign, at: datetime) -> None:
        """A campaign that the platform lists no longer, since a sync of that moment."""
        self.postgres.execute(
            "update ads.campaigns set deleted_at = %s, updated_at = %s where (app, org_id, id) = (%s, %s, %s)",
            [at, at, self.app.name, campaign.org, campaign.id],
        )

    def _ad(self, one: Campaign, native: str, name: str, tag: str = "") -> None:
        group = [self.app.name, one.org, f"{one.platform}:{one.account}:{one.native}"]
        self.postgres.execute(
            "insert into ads.ad_groups (app, org_id, id, campaign_id, platform, account_id, native_id, name, currency,"
            " updated_at) values (%s, %s, %s, %s, %s, %s, %s, 'g', 'EUR', now()) on conflict do nothing",
            [*group, one.id, one.platform, one.account, one.native],
        )
        self.postgres.execute(
            "insert into ads.ads (app, org_id, ad_group_id, id, platform, account_id, native_id, name, landing_page,"
            " updated_at) values (%s, %s, %s, %s, %s, %s, %s, %s, %s, now())"
            " on conflict (app, org_id, id) do update set name = excluded.name",
            [
                *group,
                one.ad(native),
                one.platform,
                one.account,
                native,
                name,
                f"https://x.example/?a=1&utm_content={tag}",
            ],
        )

    def spend(self, campaign: Campaign, day: date, amount: str) -> None:
        """What a campaign's day cost, new or restated."""
        self.postgres.execute(
            "insert into ads.campaign_metrics_daily (app, org_id, campaign_id, date, platform, account_id, impressions,"
            " clicks, spend, conversions, conversions_value, currency, time_zone, attribution_window, is_final,"
            " sync_run_id)"
            " values (%s, %s, %s, %s, %s, %s, 1, 1, %s, 0, 0, %s, %s, '', true, gen_random_uuid())"
            " on conflict (app, org_id, campaign_id, date) do update set spend = excluded.spend",
            [
                *(self.app.name, campaign.org, campaign.id, day, campaign.platform, campaign.account, Decimal(amount)),
                *(CURRENCIES[campaign.platform], ZONES[campaign.platform]),
            ],
        )

    def spend_of_ad(self, campaign: Campaign, native: str, day: date, amount: str) -> None:
        """What an ad's day cost."""
        self.postgres.execute(
            "insert into ads.ad_metrics_daily (app, org_id, ad_id, date, platform, account_id, impressions, clicks,"
            " spend, conversions, conversions_value, currency, time_zone, attribution_window, is_final, sync_run_id)"
            " values (%s, %s, %s, %s, %s, %s, 1, 1, %s, 0, 0, 'JPY', 'UTC', '', true, gen_random_uuid())",
            [
                *(self.app.name, campaign.org, campaign.ad(native), day, campaign.platform, campaign.account),
                Decimal(amount),
            ],
        )

    def click(self, campaign: Campaign, click_id: str, ad: str = "") -> None:
        """A click that Google has reported, of an ad where one is named."""
        self.postgres.execute(
            "insert into attribution.clicks (app, org_id, click, platform, account_id, campaign_id, ad_id)"
            " values (%s, %s, %s, %s, %s, %s, %s) on conflict do nothing",
            [
                *(self.app.name, campaign.org, click_hash(click_id), campaign.platform, campaign.account, campaign.id),
                campaign.ad(ad) if ad else "",
            ],
        )

    def report(self, campaign: Campaign, click_id: str) -> ClickReport:
        """The same, reported by Google after the touch was made."""
        report = ClickReport()
        day = {"org_id": campaign.org, "account_id": campaign.account, "day": at(1).date()}
        Clicks(self.ads()).keep(day, {click_hash(click_id): Click(click_id, campaign.native)}, report)
        return report

    def ads(self, platform: str = "google", **changed: Any) -> AdSync:
        """The engine of a platform's connections."""
        stores = self.event_lake.stores
        arguments = {"clock": self.event_lake.clock, **changed}
        return AdSync(
            self.app, PLATFORMS[platform], self.d1, stores.postgres, stores.object_store, stores.keyring, **arguments
        )

    def stale(self) -> tuple[Window, ...]:
        """Days to be made again, once every commit is followed."""
        lake = self.event_lake
        while follow(lake.app, lake.events, self.postgres, lake.clock):
            pass
        return stale(self.app, self.postgres, at(1), lake.now)

    def catch_up(self) -> Credited:
        """What sensor and schedules would make: yesterday, then all that is stale."""
        self.touches(6, 7)
        for window in self.stale():
            self.touches(window.start.day, window.end.day)
        return self.credit()

    def touches(self, first: int, end: int) -> TouchCounts:
        """Touches and conversions of days of March."""
        lake = self.event_lake
        return Touches(self.app, lake.events, self.d1, self.postgres, lake.clock, self.late_horizon).run(
            Window(at(first), at(end))
        )[0]

    def credit(self) -> Credited:
        """All that is to be credited."""
        return Credits(self.app, self.postgres).run(Window(at(1), at(1)))

    def make(self, first: int, end: int) -> Credited:
        """Both."""
        self.touches(first, end)
        return self.credit()

    def credits(self) -> list[tuple[Any, ...]]:
        """Every credit of the app, without the app's name, sorted."""
        return self.event_lake.table("attribution.credits")

    def of_days(self) -> dict[date, list[tuple[Any, ...]]]:
        """Credits by their UTC day."""
        days: dict[date, list[tuple[Any, ...]]] = {}
        for row in self.credits():
            days.setdefault(row[0], []).append(row)
        return days


def moment(day: float, second: int = 0) -> datetime:
    """A moment of March, by a fraction of its day."""
    hours = day % 1 * 24
    return at(int(day), int(hours), int(hours % 1 * 60)).replace(second=second)
