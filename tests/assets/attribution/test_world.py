"""Attribution of the sample's sessions in the sandbox's world, where it is known who clicked what."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from dagster import (
    AssetCheckEvaluation,
    AssetChecksDefinition,
    AssetsDefinition,
    DagsterInstance,
    Definitions,
    ExecuteInProcessResult,
    define_asset_job,
    in_process_executor,
)
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from assets.ads.plan import SyncMode, SyncRequest
from assets.apps.clearlift import APP as CLEARLIFT
from assets.attribution.assets import build
from assets.attribution.build import Touches
from assets.attribution.clicks import Clicks
from assets.attribution.text import plain
from assets.attribution.touches import click_hash
from assets.events.record import DECODER, NAMES
from assets.partitions import Calendar
from assets.progress import silent
from assets.windows import day_window
from resources.pacing import Pacing, Rate
from sandbox import sample, sample_stores
from sandbox.faults import Fault, FaultKind
from sandbox.sample_clicks import PaidClicks
from sandbox.server import Sandbox
from sandbox.world.catalogue import Size
from sandbox.world.entities import PLATFORMS, Platform
from tests.assets.attribution.attribution_stores import ALWAYS, HORIZON, NEVER, AttributionStores, Campaign
from tests.assets.attribution.recount import recount
from tests.assets.rollups.event_lake import EventLake

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
FIRST, LAST = date(2026, 11, 18), date(2026, 11, 20)
SMALL = Size({"google": 4, "facebook": 3, "tiktok": 2, "microsoft": 2}, (8, 8), (1, 2), (1, 2), 6)
pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")


class Scene:
    """A sandbox whose accounts belong to the sample's organisations, synced; and the sample's events, in the lake."""

    def __init__(self, attribution_stores: AttributionStores, sandbox: Sandbox) -> None:
        self.attribution_stores, self.sandbox, self.world = attribution_stores, sandbox, sandbox.world
        stores = attribution_stores.event_lake.stores
        sample_stores.fill_connections(attribution_stores.d1, stores.keyring, sandbox)
        campaigns_alone = '{"sync_config": {"include_ad_groups": false}}'
        attribution_stores.d1.execute("update platform_connections set settings = ?", [campaigns_alone])
        rows = attribution_stores.d1.query(
            "select organization_id as org, platform, account_id from platform_connections"
        )
        self.owner: dict[tuple[Platform, str], str] = {(r["platform"], r["account_id"]): r["org"] for r in rows}
        for platform in PLATFORMS:
            outcomes = self.ads(platform).run(SyncRequest(SyncMode.WINDOW, LAST, LAST, LAST))
            assert [o.error for o in outcomes if o.error] == []
        self.events = self.landed()
        attribution_stores.event_lake.append(*self.events)

    def ads(self, platform: Platform = "google") -> Any:
        """A platform's engine, in the sandbox, without pacing."""
        engine = self.attribution_stores.ads(
            platform,
            clock=self.sandbox.clock,
            origin=self.sandbox.origin,
            access={"sleep": lambda _: None},
        )
        engine._pacing = Pacing(Rate(10_000, 10_000))
        return engine

    def landed(self) -> list[dict[str, Any]]:
        """The sample's events that are in order, each once."""
        owned: dict[str, list[tuple[Platform, str]]] = {}
        for place, org in self.owner.items():
            owned.setdefault(org.removeprefix("org-"), []).append(place)
        batches, _ = sample.batches(NOW, days=2, scale=0.04, paid=PaidClicks(self.world, owned, NOW))
        found: dict[str, dict[str, Any]] = {}
        for line in (line for batch in batches for line in batch.lines):
            try:
                event = {name: getattr(DECODER.decode(line), name) for name in NAMES}
            except msgspec.DecodeError:
                continue
            if f"org-{event['org_tag']}" in owned.keys() | self.owner.values() and event["timestamp"] < NOW:
                found[event["event_id"]] = {**event, "timestamp": event["timestamp"].astimezone(UTC)}
        return list(found.values())

    def campaigns(self) -> list[Campaign]:
        """What the platforms list now."""
        return [
            Campaign(
                *(org, platform, entity.id, entity.name, account, self.world.account(platform, account).time_zone),
                # One that is removed when it is first seen lived at no known time.
                until=ALWAYS if entity.deleted_at else NEVER,
            )
            for (platform, account), org in self.owner.items()
            for entity in self.world.campaigns(platform, account, NOW)
        ]

    def clicks(self) -> dict[str, Campaign]:
        """The campaign of every gclid of the events, as the world knows it."""
        by_id = {(c.platform, c.native): c for c in self.campaigns()}
        found = {}
        for event in self.events:
            if event["gclid"]:
                of = self.world.campaign_of_click(event["gclid"])
                assert of is not None
                found[event["gclid"]] = by_id[of]
        return found

    def click_ads(self) -> dict[str, str]:
        """Our id of the ad of every gclid of the events, as the world knows it."""
        wanted = {event["gclid"] for event in self.events if event["gclid"]}
        found = {}
        for platform, account in self.owner:
            for day in (FIRST + timedelta(days=n) for n in range(-1, 4)) if platform == "google" else ():
                for click in self.world.clicks(platform, account, day, NOW):
                    if click.click_id in wanted and click.leaf.ad and click.leaf.ad_group:
                        found[click.click_id] = f"google:{account}:{click.leaf.ad_group.id}:{click.leaf.ad.id}"
        return found

    def recount(self) -> list[tuple[Any, ...]]:
        """What the credits must be."""
        return recount(self.events, self.campaigns(), self.clicks(), {}, self.click_ads())

    def touches(self, day: date) -> None:
        """Touches and conversions of a day."""
        lake = self.attribution_stores.event_lake
        Touches(
            CLEARLIFT, lake.events, self.attribution_stores.d1, self.attribution_stores.postgres, lake.clock, HORIZON
        ).run(day_window(day))

    def materialized(self) -> ExecuteInProcessResult:
        """All assets and checks of attribution over the sample's days, as one run."""
        stores = self.attribution_stores.event_lake.stores
        rooms = SimpleNamespace(
            clock=self.sandbox.clock,
            progress=lambda _label: silent,
            postgres=self.attribution_stores.postgres,
            d1=lambda _app: self.attribution_stores.d1,
            object_store=stores.object_store,
            lake=stores.lake,
            keyring=stores.keyring,
            ad_apps={},
            ad_origin=self.sandbox.origin,
        )
        graph = build(CLEARLIFT, Calendar(date(2026, 1, 1)), HORIZON)
        defs = Definitions(
            assets=[a for a in graph if isinstance(a, AssetsDefinition) and not isinstance(a, AssetChecksDefinition)],
            asset_checks=[a for a in graph if isinstance(a, AssetChecksDefinition)],
            jobs=[define_asset_job("attribution", "*")],
            resources={"rooms": rooms},
            executor=in_process_executor,
        )
        with DagsterInstance.ephemeral() as instance:
            return defs.resolve_job_def("attribution").execute_in_process(
                instance=instance,
                tags={ASSET_PARTITION_RANGE_START_TAG: str(FIRST), ASSET_PARTITION_RANGE_END_TAG: str(LAST)},
            )


@pytest.fixture
def scene(event_lake: EventLake) -> Iterator[Scene]:
    event_lake.now = NOW
    with Sandbox(7, lambda: NOW, size=SMALL) as sandbox:
        yield Scene(AttributionStores(event_lake), sandbox)


def checks(result: ExecuteInProcessResult) -> dict[str, AssetCheckEvaluation]:
    return {c.check_name: c for c in result.get_asset_check_evaluations()}


def metadata(result: ExecuteInProcessResult, name: str) -> dict[str, Any]:
    found = result.asset_materializations_for_node(f"clearlift__attribution__{name}")[0]
    return {key: value.value for key, value in found.metadata.items()}


def test_every_conversion_is_on_the_campaign_whose_click_it_was(scene: Scene) -> None:
    result = scene.materialized()
    assert {name: c.passed for name, c in checks(result).items()} == {
        "settings_readable": True,
        "accounts_ok": True,
        "attributed_and_unattributed_are_all": True,
    }
    assert scene.attribution_stores.credits() == scene.recount()

    # What the world itself says of each click: of Google's all are known, of the others whom utm_campaign names.
    names = {(c.platform, c.native): c.name for c in scene.campaigns()}
    whose = {}
    for e in scene.events:
        query = dict(part.split("=") for part in (e["page_search"] or "?").removeprefix("?").split("&") if part)
        for parameter in ("gclid", "fbclid", "ttclid", "msclkid"):
            if parameter in query:
                whose[click_hash(query[parameter])] = (query[parameter], query["utm_campaign"])
    seen = dict.fromkeys(PLATFORMS, 0)
    for touch in scene.attribution_stores.postgres.fetch("select * from attribution.touches where click is not null"):
        click_id, utm_campaign = whose[bytes(touch["click"])]
        of = scene.world.campaign_of_click(click_id)
        assert of is not None
        knows = of[0] == "google" or names[of].lower() == plain(utm_campaign).lower()
        assert touch["campaign_id"].rpartition(":")[2] == (of[1] if knows else "")
        assert touch["reason"] == ("" if knows else "unknown_campaign" if plain(utm_campaign) else "unknown_click")
        seen[of[0]] += knows
    assert all(seen.values()), seen

    told = metadata(result, "clicks")
    known = [
        whose[bytes(click)][0] for (_, click, *_) in scene.attribution_stores.event_lake.table("attribution.clicks")
    ]
    assert told["clicks_found"] == len(known)
    assert set(known) <= scene.clicks().keys()
    assert 0 < metadata(result, "daily")["matched_share"] <= 100
    assert metadata(result, "daily")["days_changed"] == 3

    again = scene.materialized()
    assert metadata(again, "daily")["changed"] == "none"
    assert metadata(again, "touches")["rows_changed"] == 0


def test_an_account_that_fails_is_named_and_asked_again_and_the_others_are_known(scene: Scene) -> None:
    (first, *_) = scene.world.accounts("google")
    scene.sandbox.faults.order(Fault(FaultKind.TOKEN_REVOKED, platform="google", account_id=first.id))
    failed = checks(scene.materialized())["accounts_ok"]
    owner = scene.owner["google", first.id]
    assert not failed.passed
    assert f"{owner}-google-{first.id}" in str(failed.description)
    unknown = "select count(*) as n from attribution.unknown_clicks where org_id = %s"
    assert scene.attribution_stores.postgres.fetch(unknown, [owner])[0]["n"] > 0
    others = scene.attribution_stores.postgres.fetch(
        "select count(*) as n from attribution.unknown_clicks where org_id <> %s", [owner]
    )
    assert others == [{"n": 0}]

    scene.sandbox.faults.clear()
    scene.sandbox.tokens.reinstate("google", first.id)
    assert checks(scene.materialized())["accounts_ok"].passed
    assert scene.attribution_stores.credits() == scene.recount()


def test_only_young_days_and_days_with_new_unknown_clicks_are_asked_for(scene: Scene) -> None:
    scene.materialized()
    engine = Clicks(scene.ads())
    assert engine.run().days == 0
    forged = {
        **scene.events[0],
        "gclid": "forged",
        "timestamp": NOW - timedelta(days=20),
        "event_id": "f",
        "session_id": "f",
    }
    forged["org_tag"] = next(iter(scene.owner.values())).removeprefix("org-")
    forged["consent_marketing"] = True
    scene.attribution_stores.event_lake.append(forged)
    scene.touches(forged["timestamp"].date())
    asked = engine.run()
    assert (asked.days, asked.clicks, asked.failed) == (1, 0, {})
    assert engine.run().days == 0  # the day is long over, and what it does not know it was asked


def test_a_wrong_setting_is_told_by_organisation_and_key_and_nothing_else(scene: Scene) -> None:
    scene.attribution_stores.settle("org-a3f7c2", window_days="secret-value", conversion_types=["conversion"])
    found = checks(scene.materialized())["settings_readable"]
    assert not found.passed
    assert found.description == "org-a3f7c2: attribution.window_days: 1 to 90 is expected; the default is used"
    assert "secret-value" not in str(found)
    assert scene.attribution_stores.credits() == scene.recount()


def test_what_one_organisation_holds_keeps_no_other_from_its_credits(scene: Scene) -> None:
    """A setting that is no object, and a tag with a NUL."""
    scene.attribution_stores.d1.execute(
        "update organizations set settings = '{\"attribution\": 5}' where id = 'org-a3f7c2'"
    )
    scene.attribution_stores.d1.execute(
        "insert into org_tag_mappings (id, organization_id, short_tag, is_active)"
        " values ('odd', 'org-b8e9d1', 'a' || char(0) || 'z', 1)"
    )
    found = checks(scene.materialized())["settings_readable"]
    assert not found.passed
    assert found.description is not None
    assert "org-a3f7c2: attribution: an object is expected" in found.description
    assert "org-b8e9d1: its tag or id" in found.description
    assert scene.attribution_stores.credits() == scene.recount()
