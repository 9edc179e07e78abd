"""Published test data of other connectors (fivetran's dbt packages), bent into the answers of the platforms: its totals
come out, level by level.

Their rows are split by device and network. A platform gives one row for what is not asked for, so that such rows are
added up here before they are put into its answer, except by the attributes that are.
"""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from assets.ads.facts import LEVELS
from assets.ads.history import History
from assets.ads.merge import Merge
from assets.ads.staging import SliceManifest, Staging
from assets.apps.clearlift import APP
from resources.ad_platforms import PLATFORMS, Level, Page, Stream
from resources.ad_platforms.microsoft.words import METRICS, REPORTS
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore

SEEDS = Path(__file__).resolve().parents[4] / "shared" / "data" / "fivetran_ads"
pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="the published test data is not on this machine")

Row = Mapping[str, str]
DAYS = {
    Level.CAMPAIGN: Stream.CAMPAIGN_DAYS,
    Level.AD_GROUP: Stream.AD_GROUP_DAYS,
    Level.AD: Stream.AD_DAYS,
    Level.KEYWORD: Stream.KEYWORD_DAYS,
}
MICRO = 1_000_000


def seed(name: str) -> list[Row]:
    with (SEEDS / f"{name}.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def summed(rows: Iterable[Row], keys: Callable[[Row], tuple[str, ...]], names: tuple[str, ...]) -> Iterator[Any]:
    """Each key with the sums of some columns over its rows."""
    found: dict[tuple[str, ...], list[Decimal]] = {}
    for row in rows:
        had = found.setdefault(keys(row), [Decimal(0)] * len(names))
        found[keys(row)] = [total + Decimal(row[name] or 0) for total, name in zip(had, names, strict=True)]
    return iter(found.items())


def google(level: Level) -> bytes:
    name, own, group = {
        Level.CAMPAIGN: ("campaign_stats_data", "id", ""),
        Level.AD_GROUP: ("ad_group_stats_data", "id", "base_ad_group"),
        Level.AD: ("ad_stats_data", "ad_id", "ad_group"),
        Level.KEYWORD: ("keyword_stats_data", "ad_group_criterion_criterion_id", "ad_group_base_ad_group"),
    }[level]
    columns = ("impressions", "clicks", "cost_micros", *(("conversions",) if level is not Level.AD else ()))
    results = []
    for (day, campaign, ad_group, entity), numbers in summed(
        seed(f"google.{name}"),
        lambda row: (
            row["date"], row.get("campaign_id") or row["id"], row[group].rpartition("/")[2] if group else "", row[own],
        ),
        columns,
    ):  # fmt: skip
        row: dict[str, Any] = {
            "segments": {"date": day},
            "campaign": {"id": campaign, "name": "c"},
            "metrics": dict(zip(("impressions", "clicks", "costMicros"), map(str, map(int, numbers)), strict=False)),
        }
        row["metrics"]["conversions"] = float(numbers[3]) if level is not Level.AD else 0.0
        if group:
            row["adGroup"] = {"id": ad_group, "name": "g"}
        if level is Level.AD:
            row["adGroupAd"] = {"ad": {"id": entity}, "status": "ENABLED"}
        if level is Level.KEYWORD:
            row["adGroupCriterion"] = {"criterionId": entity, "keyword": {"text": "k", "matchType": "EXACT"}}
        results.append(row)
    return json.dumps({"results": results}).encode()


def facebook(level: Level) -> bytes:
    """Their rows are ads'; the levels above are the sums."""
    ads = {row["id"]: row for row in seed("facebook.facebook_ads_ad_history_data")}
    actions: dict[tuple[str, str], list[Row]] = {}
    for action in seed("facebook.facebook_ads_basic_ad_actions_data"):
        actions.setdefault((action["ad_id"], action["date"]), []).append(action)
    data = []
    for (day, campaign, ad_set, ad), (impressions, clicks, spend) in summed(
        seed("facebook.facebook_ads_basic_ad_data"),
        lambda row: _place(level, row["date"], row["ad_id"], ads.get(row["ad_id"], {})),
        ("impressions", "inline_link_clicks", "spend"),
    ):
        ids = {"campaign_id": campaign, **({"adset_id": ad_set} if ad_set else {}), **({"ad_id": ad} if ad else {})}
        data.append(
            {
                **ids, "date_start": day, "date_stop": day, "impressions": str(impressions), "clicks": str(clicks),
                "spend": str(spend),
                "actions": [{"action_type": a["action_type"], "value": a["value"]} for a in actions.get((ad, day), [])],
            }
        )  # fmt: skip
    return json.dumps({"data": data}).encode()


def _place(level: Level, day: str, ad: str, known: Row) -> tuple[str, str, str, str]:
    campaign, ad_set = known.get("campaign_id") or "1", known.get("ad_set_id") or "2"
    below = (level is not Level.CAMPAIGN) * ad_set
    return day, campaign, below, (level is Level.AD) * ad


def tiktok(level: Level) -> bytes:
    name = {Level.CAMPAIGN: "campaign", Level.AD_GROUP: "adgroup", Level.AD: "ad"}[level]
    rows = [
        {
            "dimensions": {f"{name}_id": entity, "stat_time_day": f"{day} 00:00:00"},
            "metrics": {
                "campaign_id": "1", "adgroup_id": "1", f"{name}_id": entity, "impressions": str(impressions),
                "clicks": str(clicks), "spend": str(spend), "complete_payment": "-",
            },
        }
        for (day, entity), (impressions, clicks, spend) in summed(
            seed(f"tiktok.tiktok_{name}_report_hourly_data"),
            lambda row: (row["STAT_TIME_HOUR"][:10], row[f"{name.upper()}_ID"]),
            ("IMPRESSIONS", "CLICKS", "SPEND"),
        )
    ]  # fmt: skip
    return json.dumps({"code": 0, "data": {"list": rows, "page_info": {"page": 1, "total_page": 1}}}).encode()


def microsoft(level: Level) -> bytes:
    report = REPORTS[level]
    numbers = ("impressions", "clicks", "spend", "conversions_qualified", "revenue")
    columns = {
        "CampaignId": "campaign_id", "AdGroupId": "ad_group_id", "AdId": "ad_id", "KeywordId": "keyword_id",
        "BidMatchType": "bid_match_type",
    }  # fmt: skip
    asked = (*report.ids, *report.attributes)
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(["TimePeriod", *asked, *METRICS])
    for (day, *words), values in summed(
        seed(f"microsoft.microsoft_ads_{level.value}_performance_daily_report_data"),
        lambda row: (
            row["date"],
            *(
                row.get(columns.get(name, ""), row["bid_match_type"] if name == "BidMatchType" else "x")
                for name in asked
            ),
        ),
        numbers,
    ):
        lines.writerow([day, *words, *values, "USD"])
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as folder:
        folder.writestr("report.csv", b"\xef\xbb\xbf" + written.getvalue().encode())
    return packed.getvalue()


ANSWERS: dict[str, Callable[[Level], bytes]] = {
    "google": google,
    "facebook": facebook,
    "tiktok": tiktok,
    "microsoft": microsoft,
}
TOTALS = [
    ("google", Level.CAMPAIGN, 1_854, 280, "231.33"),
    ("google", Level.AD_GROUP, 4_483, 620, "3156.84"),
    ("google", Level.AD, 10, 0, "0"),
    ("google", Level.KEYWORD, 751, 129, "203.99"),
    ("facebook", Level.CAMPAIGN, 37_275, 149, "643.63"),
    ("facebook", Level.AD_GROUP, 37_275, 149, "643.63"),
    ("facebook", Level.AD, 37_275, 149, "643.63"),
    ("tiktok", Level.CAMPAIGN, 34_470, 244, "444.792"),
    ("tiktok", Level.AD_GROUP, 6_502, 69, "50.15"),
    ("tiktok", Level.AD, 69, 2, "2.66"),
    ("microsoft", Level.CAMPAIGN, 7_569, 592, "946.34"),
    ("microsoft", Level.AD_GROUP, 431, 15, "102.23"),
    ("microsoft", Level.AD, 860, 28, "208.36"),
    ("microsoft", Level.KEYWORD, 65, 8, "38.30"),
]


@pytest.mark.parametrize(("platform", "level", "impressions", "clicks", "spend"), TOTALS)
def test_the_totals_of_the_published_data_come_out(
    postgres: Postgres, tmp_path: Path, platform: str, level: Level, impressions: int, clicks: int, spend: str
) -> None:
    merged(postgres, tmp_path, platform, level)
    (row,) = postgres.fetch(
        "select sum(impressions) as impressions, sum(clicks) as clicks, sum(spend) as spend,"
        f" sum(conversions) as conversions from {LEVELS[level]['facts']}"
    )
    assert (row["impressions"], row["clicks"], row["spend"]) == (impressions, clicks, Decimal(spend))
    if (platform, level) == ("google", Level.AD_GROUP):
        assert row["conversions"] == Decimal("14.483334")


def test_their_actions_are_all_kept(postgres: Postgres, tmp_path: Path) -> None:
    merged(postgres, tmp_path, "facebook", Level.AD)
    spent = {(row["ad_id"], row["date"]) for row in seed("facebook.facebook_ads_basic_ad_data")}
    wanted: dict[str, Decimal] = {}
    for row in seed("facebook.facebook_ads_basic_ad_actions_data"):
        if (row["ad_id"], row["date"]) in spent and row["value"]:
            wanted[row["action_type"]] = wanted.get(row["action_type"], Decimal(0)) + Decimal(row["value"])
    stored = postgres.fetch("select action, sum(count) as count from ads.conversions_daily group by action")
    assert {row["action"]: row["count"] for row in stored} == wanted


def merged(postgres: Postgres, folder: Path, platform: str, level: Level) -> None:
    """The answer of a platform for a level, staged and merged."""
    staging = Staging(FolderObjectStore(folder / "r2"), "raw/ads/")
    now = datetime(2026, 11, 20, tzinfo=UTC)
    manifest = SliceManifest(
        slice_id="00000000-0000-0000-0000-000000000001", run_id="00000000-0000-0000-0000-000000000002",
        connection_id="c", org_id="o", platform=platform, account_id="9", stream=DAYS[level], observed_at=now,
        attribution="platform_default", since=date(2018, 1, 1), until=date(2026, 11, 19), currency="USD",
        time_zone="UTC",
    )  # fmt: skip
    staging.keep(manifest, Page(io.BytesIO(ANSWERS[platform](level)), {"currency": "USD"}))
    staging.finish(manifest)
    History(APP, postgres, lambda: now).adopt(manifest, staging.prefix(manifest))
    Merge(APP, PLATFORMS[platform], postgres, staging, lambda: now).run(manifest)
