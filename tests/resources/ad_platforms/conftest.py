"""A sandbox of the four platforms, and clients of its accounts whose sleeps take no time."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

import pytest

from resources.ad_platforms import PLATFORMS, Access, AccountDays, Client, Fact, Notes, Record, Stream
from resources.http import Patience
from resources.pacing import Pacing
from sandbox.limits import Limits
from sandbox.server import Sandbox
from sandbox.world.catalogue import Size
from sandbox.world.entities import Level, Platform
from sandbox.world.world import World
from tests.standin.loopback import PATIENT_SECONDS

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
SIZE = Size({"google": 2, "facebook": 2, "tiktok": 2, "microsoft": 2}, (6, 6), (2, 2), (2, 2), 40)


@dataclass
class RecordingClient:
    """A client, with the tokens that it stored, its sleeps and its notes."""

    api: Client
    name: Platform
    stored: list[Mapping[str, Any]] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)
    notes: Notes = field(default_factory=Notes)
    sandbox: Sandbox | None = None

    def records(self, stream: Stream, days: AccountDays | None = None, **named: Any) -> list[Record]:
        """All records of a stream."""
        read = PLATFORMS[self.name].read
        records = []
        for page in self.api.pages(stream, days, **named):
            with closing(page.body):
                records += list(read(stream, page.body, page.context, self.notes))
        return records


Numbers: TypeAlias = tuple[Any, ...]
"""Impressions, clicks, spend, conversions and their value."""


def by_entity(facts: Iterable[Record]) -> dict[tuple[object, ...], Numbers]:
    """The numbers of each entity's day: a row that comes again counts once, and parts of a day add up."""
    rows = {(*fact[:5], fact.segments): fact[5:10] for fact in facts if isinstance(fact, Fact)}
    sums: dict[tuple[object, ...], Numbers] = {}
    for key, numbers in rows.items():
        entity = key[:5]
        before = sums.get(entity, (0, 0, Decimal(0), Decimal(0), Decimal(0)))
        sums[entity] = tuple(one + other for one, other in zip(before, numbers, strict=True))
    return sums


def world_days(
    world: World, platform: Platform, account_id: str, level: Level, days: AccountDays, at: datetime
) -> dict[tuple[object, ...], Numbers]:
    """The true numbers of each entity's day."""
    return {
        (row.day, row.campaign_id or "", row.ad_group_id or "", row.ad_id or "", row.keyword_id or ""): (
            row.impressions,
            row.clicks,
            row.spend,
            row.conversions,
            row.conversions_value,
        )
        for n in range(days.length)
        for row in world.daily(platform, account_id, level, days.since + timedelta(n), at)
    }


@pytest.fixture(scope="module")
def platforms() -> Iterator[Sandbox]:
    """A sandbox that a module's tests share, with Google's pages cut to ten rows."""
    with Sandbox(7, lambda: NOW, size=SIZE, limits=Limits(google_page_rows=10)) as sandbox:
        yield sandbox


@pytest.fixture
def client_of(platforms: Sandbox) -> Iterator[Callable[..., RecordingClient]]:
    """Makes clients of a platform's account (by its position), with other arguments of `Access` if given."""
    opened: list[Client] = []
    platforms.clock.set(NOW)
    platforms.log.clear()

    def make(name: Platform, account: int = 0, **changed: Any) -> RecordingClient:
        account_id = platforms.world.accounts(name)[account].id
        document = platforms.credentials(name, account_id)
        client = RecordingClient(None, name)  # type: ignore[arg-type]
        pacing = Pacing(PLATFORMS[name].account_rate, sleep=client.slept.append)
        access = {
            "account_id": account_id,
            "oauth": document["oauth"],
            "app": document["app"],
            "store": client.stored.append,
            "pacing": pacing,
            "clock": platforms.clock,
            "origin": platforms.origin,
            "patience": Patience(read=PATIENT_SECONDS),
            "sleep": client.slept.append,
        }
        client.api = PLATFORMS[name].open(Access(**{**access, **changed}))
        opened.append(client.api)
        return client

    yield make
    platforms.faults.clear()
    for client in opened:
        client.close()
