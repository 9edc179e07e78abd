"""What the tests of ads share: a sandbox, stores of the test's own, connections in D1, and the world's own facts."""

import itertools
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from assets.ads.connections import COLUMN
from assets.ads.plan import SyncMode, SyncRequest
from assets.ads.sync import AdSync, SyncResult, accounts_of
from assets.apps import App
from assets.apps.clearlift import APP as CLEARLIFT
from assets.progress import silent
from resources import migrations
from resources.ad_platforms import PLATFORMS as ALL
from resources.d1 import EmbeddedD1
from resources.http import Patience
from resources.keyring import Keyring
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore, ObjectStore
from sandbox.limits import Limits
from sandbox.server import Sandbox
from sandbox.world.catalogue import Size
from sandbox.world.entities import PLATFORMS, Platform
from tests.standin.loopback import PATIENT_SECONDS

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
SMALL = Size({"google": 2, "facebook": 2, "tiktok": 2, "microsoft": 2}, (6, 7), (2, 3), (2, 3), 40)
TINY = Size({"google": 1, "facebook": 1, "tiktok": 1, "microsoft": 1}, (5, 5), (1, 2), (1, 2), 12)
PAGES_OF_50 = Limits(google_page_rows=50)
TABLE = accounts_of(CLEARLIFT).table
Facts = dict[tuple[str, date], Any]
"""Impressions, clicks, spend, conversions, their value and the currency, by entity and day."""
Actions = dict[tuple[str, date, str, str], Any]
"""Label, count and value, by entity, day, action and attribution window."""

LEVELS = {
    "campaign": ("ads.campaign_metrics_daily", "campaign_id"),
    "ad_group": ("ads.ad_group_metrics_daily", "ad_group_id"),
    "ad": ("ads.ad_metrics_daily", "ad_id"),
    "keyword": ("ads.keyword_metrics_daily", "keyword_id"),
}
FACTS = [*(table for table, _ in LEVELS.values()), "ads.conversions_daily"]
EMPTY = """truncate ads.ad_accounts, ads.campaigns, ads.ad_groups, ads.ads, ads.keywords, ads.campaign_metrics_daily,
    ads.ad_group_metrics_daily, ads.ad_metrics_daily, ads.keyword_metrics_daily, ads.conversions_daily, ads.sync_runs,
    ads.sync_slices, ads.sync_state, ads.sync_ranges, ads.restatements"""


@dataclass
class AdStores:
    """The four platforms over stores of the test's own. Sleeps of clients are counted and not slept."""

    sandbox: Sandbox
    d1: EmbeddedD1
    postgres: Postgres
    store: ObjectStore
    keyring: Keyring
    app: App = CLEARLIFT
    slept: list[float] = field(default_factory=list)
    read_seconds: float = PATIENT_SECONDS

    def connect(
        self, *, org: str = "org-a", tier: str = "pro", only: Iterable[Platform] = PLATFORMS, **config: Any
    ) -> None:
        """A connection for every account of the sandbox."""
        self.d1.upsert("users", ["id", "email", "issuer", "access_sub"], [["u", "u@x.example", "i", "s"]], ["id"])
        self.d1.upsert("organizations", ["id", "name", "slug", "subscription_tier"], [[org, org, org, tier]], ["id"])
        for platform in only:
            for account in self.sandbox.world.accounts(platform):
                row = f"{org}-{platform}-{account.id}"
                document = self.sandbox.credentials(platform, account.id)
                document["sync_config"] |= config
                sealed = self.keyring.seal_text(json.dumps(document), table=TABLE, column=COLUMN, row=row)
                self.d1.upsert(
                    TABLE,
                    ["id", "organization_id", "platform", "account_id", "connected_by", COLUMN],
                    [[row, org, platform, account.id, "u", sealed]],
                    ["id"],
                )

    def empty(self) -> None:
        """Nothing synced, nothing connected, no fault in force."""
        self.postgres.execute(EMPTY)
        self.d1.execute("delete from platform_connections")
        self.store.delete([info.key for info in self.store.list()])
        self.sandbox.clock.set(NOW)
        self.sandbox.faults.clear()
        self.sandbox.log.clear()
        self.slept.clear()
        for platform in PLATFORMS:
            for account in self.sandbox.world.accounts(platform):
                self.sandbox.tokens.reinstate(platform, account.id)

    def connection(self, platform: Platform) -> dict[str, Any]:
        """The first connection of a platform, as D1 has it."""
        return self.d1.query("select * from platform_connections where platform = ? order by id limit 1", [platform])[0]

    def engine(self, platform: Platform, **changed: Any) -> AdSync:
        """The engine of a platform."""
        arguments: dict[str, Any] = {
            "app": self.app,
            "platform": ALL[platform],
            "d1": self.d1,
            "postgres": self.postgres,
            "store": self.store,
            "keyring": self.keyring,
            "clock": self.sandbox.clock,
            "origin": self.sandbox.origin,
            "access": {"sleep": self.slept.append, "patience": Patience(read=self.read_seconds)},
        }
        return AdSync(**{**arguments, **changed})

    @property
    def rooms(self) -> SimpleNamespace:
        """The stores as assets and engines are handed them."""
        return SimpleNamespace(
            clock=self.sandbox.clock,
            progress=lambda _label: silent,
            postgres=self.postgres,
            d1=lambda _app: self.d1,
            object_store=self.store,
            keyring=self.keyring,
            ad_apps={},
            ad_origin=self.sandbox.origin,
        )

    def sync(
        self,
        *only: Platform,
        mode: SyncMode = SyncMode.RECENT,
        since: date | None = None,
        until: date | None = None,
        **which: Any,
    ) -> list[SyncResult]:
        """Sync platforms (none named: all four): by default today and what is missing before it."""
        today = self.sandbox.clock().astimezone(UTC).date()
        request = SyncRequest(mode, since or today - timedelta(days=1), until or today, today)
        return [result for platform in only or PLATFORMS for result in self.engine(platform).run(request, **which)]

    def stored(
        self, platform: Platform, account_id: str, level: str, org: str = "org-a"
    ) -> dict[tuple[str, date], Any]:
        """The stored facts of an account at a level, by entity and day."""
        table, key = LEVELS[level]
        rows = self.postgres.fetch(
            f"select * from {table} where app = %s and org_id = %s and platform = %s and account_id = %s",
            (self.app.name, org, platform, account_id),
        )
        return {
            (row[key], row["date"]): (
                row["impressions"], row["clicks"], row["spend"], row["conversions"], row["conversions_value"],
                row["currency"],
            )
            for row in rows
        }  # fmt: skip

    def truth(
        self, platform: Platform, account_id: str, level: Any, since: date, until: date
    ) -> dict[tuple[str, date], Any]:
        """The world's own facts, in the same form."""
        facts = {}
        for offset in range((until - since).days + 1):
            day = since + timedelta(days=offset)
            for row in self.sandbox.world.daily(platform, account_id, level, day, self.sandbox.clock()):
                values = (row.impressions, row.clicks, row.spend, row.conversions, row.conversions_value, row.currency)
                if any(v for v in values[:5]):
                    facts[_entity(platform, account_id, level, row), day] = values
        return facts

    def differences(self, *only: Platform, since: date, until: date) -> list[str]:
        """Where stored facts and the world's differ from `since` to `until`, both included; empty where nowhere."""
        lines = []
        for platform, level in itertools.product(only or PLATFORMS, LEVELS):
            for account in self.sandbox.world.accounts(platform):
                if level == "keyword" and platform in ("facebook", "tiktok"):
                    continue
                place = (platform, account.id, level)
                both: list[tuple[dict[Any, Any], dict[Any, Any]]] = [
                    (self.stored(*place), self.truth(*place, since, until)),
                    (self.stored_actions(account.id, level), self.true_actions(*place, since, until)),
                ]
                for stored, truth in both:
                    lines += [
                        f"{platform} {level} {key}: stored {stored.get(key)}, truth {truth.get(key)}"
                        for key in stored.keys() | truth.keys()
                        if since <= key[1] <= until and stored.get(key) != truth.get(key)
                    ]
        return lines

    def stored_actions(self, account_id: str, level: str, org: str = "org-a") -> Actions:
        """The stored conversions of an account at a level, by entity, day, action and window."""
        rows = self.postgres.fetch(
            "select * from ads.conversions_daily where app = %s and org_id = %s and account_id = %s and level = %s",
            (self.app.name, org, account_id, level),
        )
        return {
            (row["entity_id"], row["date"], row["action"], row["attribution_window"]): (
                row["label"], row["count"], row["value"],
            )
            for row in rows
        }  # fmt: skip

    def true_actions(self, platform: Platform, account_id: str, level: Any, since: date, until: date) -> Actions:
        """The world's own conversions, in the same form."""
        found: Actions = {}
        for offset in range((until - since).days + 1):
            day = since + timedelta(days=offset)
            for row in self.sandbox.world.conversions(platform, account_id, level, day, self.sandbox.clock()):
                entity = _entity(platform, account_id, level, row)
                found[entity, day, row.action, row.window] = (row.label, row.count, row.value)
        return found

    def snapshot(self) -> dict[str, list[str]]:
        """Every entity and fact, without what names runs and moments."""
        passing = ["app", "sync_run_id", "last_seen_run_id", "updated_at", "deleted_at"]
        tables = ["ads.ad_accounts", "ads.campaigns", "ads.ad_groups", "ads.ads", "ads.keywords", *FACTS]
        return {
            table: [
                row["text"]
                for row in self.postgres.fetch(
                    "select text from (select ((to_jsonb(t) - %s::text[]) || jsonb_build_object("
                    f"'deleted', to_jsonb(t) ->> 'deleted_at' is not null))::text as text from {table} t"
                    " where app = %s) x order by 1",
                    (passing, self.app.name),
                )
            ]
            for table in tables
        }

    def differing_from(self, whole: dict[str, list[str]]) -> str:
        """What is stored beside a complete sync: `equal`, `behind` (a part of its rows) or `other`."""
        stored = self.snapshot()
        if stored == whole:
            return "equal"
        return "behind" if all(set(stored[table]) <= set(whole[table]) for table in FACTS) else "other"

    def spend(self) -> Decimal:
        """All that was stored to have been spent."""
        statement = "select coalesce(sum(spend), 0) as spend from ads.campaign_metrics_daily where app = %s"
        row = self.postgres.fetch(statement, (self.app.name,))[0]
        return Decimal(row["spend"])


def _entity(platform: str, account_id: str, level: str, row: Any) -> str:
    """Our id of the entity of a row of the world."""
    native = {
        "campaign": [row.campaign_id],
        "ad_group": [row.ad_group_id],
        "ad": [row.ad_group_id, row.ad_id],
        "keyword": [row.ad_group_id, row.keyword_id],
    }[level]
    return ":".join([platform, account_id, *map(str, native)])


def make(
    postgres: Postgres,
    folder: Path,
    *,
    now: datetime = NOW,
    size: Size = SMALL,
    limits: Limits = PAGES_OF_50,
) -> AdStores:
    """Stores with their sandbox started; `close` them after use."""
    d1 = EmbeddedD1(folder / "d1.sqlite")
    migrations.up(migrations.D1AppliedMigrations(d1, "d1"), "clearlift/d1")
    migrations.up(migrations.PostgresAppliedMigrations(postgres), "pipelines/postgres")
    moment = {"now": now}
    sandbox = Sandbox(7, lambda: moment["now"], size=size, limits=limits).start()
    return AdStores(sandbox, d1, postgres, FolderObjectStore(folder / "r2"), Keyring({1: bytes(range(32))}))


def close(ad_stores: AdStores) -> None:
    ad_stores.sandbox.stop()
    ad_stores.d1.close()
