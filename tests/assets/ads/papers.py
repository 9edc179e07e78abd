"""A platform on paper: records that a test writes itself, staged and merged as those of a platform are."""

import io
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from assets.ads.facts import LEVELS
from assets.ads.history import History
from assets.ads.merge import Merge
from assets.ads.slices import MergeResult
from assets.ads.staging import SliceManifest, Staging
from assets.apps.clearlift import APP
from resources.ad_platforms import (
    PLATFORMS,
    Account,
    Ad,
    AdGroup,
    Campaign,
    Conversion,
    Counting,
    Fact,
    Keyword,
    Level,
    Notes,
    Page,
    Record,
    Stream,
)
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
DAY = date(2026, 11, 10)
OF_LEVEL = {
    Level.CAMPAIGN: (Stream.CAMPAIGNS, Stream.CAMPAIGN_DAYS),
    Level.AD_GROUP: (Stream.AD_GROUPS, Stream.AD_GROUP_DAYS),
    Level.AD: (Stream.ADS, Stream.AD_DAYS),
    Level.KEYWORD: (Stream.KEYWORDS, Stream.KEYWORD_DAYS),
}
ENTITIES: dict[Level, Record] = {
    Level.CAMPAIGN: Campaign("1", "c", "", deleted=False),
    Level.AD_GROUP: AdGroup("2", "1", "g", "", deleted=False),
    Level.AD: Ad("3", "2", "1", "a", "", deleted=False),
    Level.KEYWORD: Keyword("4", "2", "1", "k", "", "", deleted=False),
}
KEYS = {
    Level.CAMPAIGN: "paper:9:1",
    Level.AD_GROUP: "paper:9:2",
    Level.AD: "paper:9:2:3",
    Level.KEYWORD: "paper:9:2:4",
}
"""Our ids of these entities."""


def fact(
    level: Level,
    impressions: int,
    clicks: int,
    spend: str,
    *,
    day: date = DAY,
    conversions: str = "0",
    campaign: str = "1",
    segments: tuple[str, ...] = (),
) -> Fact:
    """A row of a report, of the entity that `ENTITIES` has of its level."""
    ids = _ids(level, campaign)
    amount = Decimal(conversions)
    return Fact(day, *ids, impressions, clicks, Decimal(spend), amount, amount, {}, segments)


def conversion(
    level: Level,
    action: str,
    count: str,
    *,
    window: str = "7d_click",
    day: date = DAY,
    label: str = "",
    campaign: str = "1",
    segments: tuple[str, ...] = (),
) -> Conversion:
    """A row of an action; its value is ten times its count."""
    amounts = (Decimal(count), Decimal(count) * 10)
    return Conversion(day, *_ids(level, campaign), action, label, window, *amounts, segments)


def _ids(level: Level, campaign: str) -> tuple[str, str, str, str]:
    below = level is not Level.CAMPAIGN
    return (
        campaign,
        "2" if below else "",
        "3" if level is Level.AD else "",
        "4" if level is Level.KEYWORD else "",
    )


@dataclass
class Paper:
    """Merges of pages that a test writes, of one account. Each run has its own id, and is an hour after the one before.

    actions: those that the connection names.
    """

    postgres: Postgres
    folder: Path
    counting: Counting = field(default_factory=Counting)
    actions: Sequence[str] = ()
    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    currency: str = "USD"
    at: datetime = NOW
    run_id: str = ""

    def __post_init__(self) -> None:
        self._pages: list[Sequence[Record]] = []
        self.staging = Staging(FolderObjectStore(self.folder / "r2"), "raw/ads/")
        self.run()

    def run(self) -> None:
        """A new run begins."""
        self.run_id, self.at = str(uuid.uuid4()), self.at + timedelta(hours=1)

    def account(self) -> MergeResult:
        """Merge the account itself."""
        return self._merge(Stream.ACCOUNT, [[Account("9", "a", self.currency, "UTC", "UTC", "", "{}")]])

    def listed(self, *left_out: Level, deleted: bool = False) -> None:
        """Merge all lists of a run, without the entities of some levels, or with all of them deleted."""
        for level, (stream, _) in OF_LEVEL.items():
            entity: Any = ENTITIES[level]
            self._merge(stream, [[] if level in left_out else [entity._replace(deleted=deleted)]])

    def report(self, level: Level, *pages: Sequence[Record], since: date = DAY, until: date = DAY) -> MergeResult:
        """Merge a report of a level."""
        return self._merge(OF_LEVEL[level][1], pages, since=since, until=until)

    def facts(self, level: Level) -> dict[tuple[str, date], tuple[Any, ...]]:
        """Impressions, clicks, spend and conversions that are stored, by entity and day."""
        table, key = LEVELS[level]["facts"], LEVELS[level]["key"]
        return {
            (row[key], row["date"]): (row["impressions"], row["clicks"], row["spend"], row["conversions"])
            for row in self.postgres.fetch(f"select * from {table}")
        }

    def conversions(self, level: Level) -> dict[tuple[str, str], tuple[Decimal, bool]]:
        """How often each action came within each window, and whether it counts."""
        rows = self.postgres.fetch("select * from ads.conversions_daily where level = %s", (level.value,))
        return {(row["action"], row["attribution_window"]): (row["count"], row["is_counted"]) for row in rows}

    def replay(self) -> None:
        """Merge everything that was staged once more, into what is stored."""
        for manifest in self.staging.manifests("paper", "c"):
            self._merging().run(manifest)

    def _merge(
        self, stream: Stream, pages: Sequence[Sequence[Record]], *, since: date | None = None, until: date | None = None
    ) -> MergeResult:
        manifest = SliceManifest(
            slice_id=str(uuid.uuid4()), run_id=self.run_id, connection_id="c", org_id="o", platform="paper",
            account_id="9", stream=stream, observed_at=self.at, attribution="default", since=since, until=until,
            currency="" if stream is Stream.ACCOUNT else self.currency,
            time_zone="" if stream is Stream.ACCOUNT else "UTC", actions=list(self.actions),
        )  # fmt: skip
        for page in pages:
            self._pages.append(page)
            self.staging.keep(manifest, Page(io.BytesIO(str(len(self._pages) - 1).encode())))
        self.staging.finish(manifest)
        History(APP, self.postgres, lambda: self.at).adopt(manifest, self.staging.prefix(manifest))
        return self._merging().run(manifest)

    def _merging(self) -> Merge:
        platform = replace(
            PLATFORMS["google"],
            name="paper",
            read=self._read,
            counting=self.counting,
            names=lambda action: self.names.get(action, (action,)),
        )
        return Merge(APP, platform, self.postgres, self.staging, lambda: self.at)

    def _read(self, _stream: Stream, body: BinaryIO, _context: Mapping[str, str], _notes: Notes) -> Iterator[Record]:
        return iter(self._pages[int(body.read())])
