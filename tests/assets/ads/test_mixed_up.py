"""Answers that are another account's, and jobs that another address gave: nothing of them is stored."""

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from threading import Thread
from typing import Any

import pytest

from assets.ads.plan import SyncMode, SyncRequest
from resources.ad_platforms import AccountDays, Stream
from resources.postgres import Postgres
from sandbox.exchange import Request
from sandbox.limits import Limits
from sandbox.listener import Listener
from sandbox.microsoft.entities import zone
from sandbox.server import Sandbox
from sandbox.world.catalogue import Size
from sandbox.world.entities import PLATFORMS, Platform
from tests.assets.ads.ad_stores import NOW, AdStores, close, make
from tests.assets.ads.test_kills import KilledError
from tests.databases import database

TWO = Size({"google": 2, "facebook": 2, "tiktok": 2, "microsoft": 2}, (3, 3), (1, 2), (1, 2), 12)
TODAY = SyncRequest(SyncMode.RECENT, NOW.date(), NOW.date(), NOW.date())
WITH_JOBS = pytest.mark.parametrize("platform", ["facebook", "microsoft"])


@pytest.fixture(scope="module")
def shared_pair(
    postgres_server: str, migrated_dsn: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AdStores]:
    with database(postgres_server, migrated_dsn) as dsn, Postgres(dsn) as postgres:
        ad_stores = make(postgres, tmp_path_factory.mktemp("ads"), size=TWO, limits=Limits())
        yield ad_stores
        close(ad_stores)


@pytest.fixture
def pair(shared_pair: AdStores) -> AdStores:
    """Two small accounts a platform, with nothing synced."""
    shared_pair.empty()
    return shared_pair


def first_alone(pair: AdStores, platform: Platform, **config: Any) -> tuple[str, str]:
    """Connect the first account of a platform; the ids of both."""
    asked, other = (account.id for account in pair.sandbox.world.accounts(platform))
    pair.connect(only=[platform], **config)
    pair.d1.execute("update platform_connections set is_active = account_id = ?", [asked])
    return asked, other


class MixedUp:
    """An address before the sandbox where one request (by its number) for an account reaches another account."""

    def __init__(self, sandbox: Sandbox, platform: Platform, number: int) -> None:
        self._sandbox, self._number = sandbox, number
        self._accounts = sandbox.world.accounts(platform)
        self._count = itertools.count(1)
        self.seen = 0

    def answer(self, request: Request) -> Any:
        if _names(request, self._accounts[0].id):
            self.seen = next(self._count)
            if self.seen == self._number:
                request = self._led_astray(request)
        return self._sandbox.answer(request)

    def _led_astray(self, request: Request) -> Request:
        asked, other = (account.id for account in self._accounts)
        # The sandbox's reports are in the zone of their account alone.
        mine, theirs = (zone(account).encode() for account in self._accounts)
        return replace(
            request,
            path=request.path.replace(asked, other),
            query={name: value.replace(asked, other) for name, value in request.query.items()},
            headers={name: value.replace(asked, other) for name, value in request.headers.items()},
            body=request.body.replace(asked.encode(), other.encode()).replace(mine, theirs),
        )


def _names(request: Request, account: str) -> bool:
    """Whether a request names an account in a way that decides what is answered, and the answer has a name too."""
    # TikTok's reports below the account have no column of it.
    nameless = request.query.get("data_level", "AUCTION_ADVERTISER") != "AUCTION_ADVERTISER"
    texts = (request.path, *request.query.values(), str(request.body))
    return not nameless and any(account in text for text in texts)


@contextmanager
def served(answer: Any) -> Iterator[str]:
    server = Listener(0, answer)
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_answer_of_another_account_is_stored(pair: AdStores, platform: Platform) -> None:
    """Each request of a sync reaches another account once."""
    asked, other = first_alone(pair, platform, lookback_days=9)
    whole = MixedUp(pair.sandbox, platform, 0)
    with served(whole.answer) as origin:
        assert [o.error for o in pair.engine(platform, origin=origin).run(TODAY)] == [None]
    clean = pair.snapshot()
    assert whole.seen >= 4
    for number in range(1, whole.seen + 1):
        pair.empty()
        first_alone(pair, platform, lookback_days=9)
        with served(MixedUp(pair.sandbox, platform, number).answer) as origin:
            (outcome,) = pair.engine(platform, origin=origin).run(TODAY)
        assert outcome.code == "other_account", number
        assert f"account {asked} was asked for, and the answer is of {other};" in str(outcome.error)
        assert pair.connection(platform)["sync_error"] == outcome.error
        _holds_nothing_of(pair, other, clean)
    # The next sync stores everything.
    assert [o.error for o in pair.sync(platform)] == [None]
    assert pair.snapshot() == clean


def _holds_nothing_of(pair: AdStores, other: str, clean: dict[str, list[str]]) -> None:
    assert pair.differing_from(clean) == "behind"
    for info in pair.store.list():
        assert other.encode() not in pair.store.get(info.key), info.key


def killed_after_its_jobs_were_asked_for(pair: AdStores, platform: Platform, origin: str) -> None:
    def dying(_seconds: float) -> None:
        if pair.postgres.fetch("select 1 from ads.sync_slices where remote_job_id is not null"):
            raise KilledError

    with pytest.raises(KilledError):
        list(pair.engine(platform, origin=origin, access={"sleep": dying}).run(TODAY))


def give_jobs_to(sandbox: Sandbox, pair: AdStores, platform: Platform, account: str) -> None:
    """Let the first jobs of a sandbox be those of an account."""
    connection = next(
        one for page in pair.engine(platform).connections.active(platform) for one in page if one.account_id == account
    )
    client = pair.engine(platform, origin=sandbox.origin).client(connection)
    days = AccountDays(NOW.date().replace(day=11), NOW.date())
    for page in client.pages(Stream.CAMPAIGN_DAYS, days):
        page.body.close()
    client.close()


@WITH_JOBS
def test_a_job_that_another_address_gave_is_not_resumed(pair: AdStores, platform: Platform) -> None:
    asked, other = (account.id for account in pair.sandbox.world.accounts(platform))
    with Sandbox(7, pair.sandbox.clock, today=NOW.date(), size=TWO) as elsewhere:
        pair.connect(only=[platform], lookback_days=9)
        give_jobs_to(elsewhere, pair, platform, other)
        pair.d1.execute("update platform_connections set is_active = account_id = ?", [asked])
        killed_after_its_jobs_were_asked_for(pair, platform, pair.sandbox.origin)
        (outcome,) = pair.engine(platform, origin=elsewhere.origin).run(TODAY)
    assert outcome.error is None
    assert not pair.postgres.fetch("select 1 from ads.sync_slices where state = 'resumed'")
    assert {row["account_id"] for row in pair.postgres.fetch("select account_id from ads.campaigns")} == {asked}
    stored = pair.snapshot()
    pair.empty()
    first_alone(pair, platform, lookback_days=9)
    assert [o.error for o in pair.sync(platform)] == [None]
    assert pair.snapshot() == stored


@WITH_JOBS
def test_a_job_that_means_another_account_now_is_refused(pair: AdStores, platform: Platform) -> None:
    """The same address, whose server was started again and counts its jobs from the beginning."""
    asked, other = (account.id for account in pair.sandbox.world.accounts(platform))
    pair.connect(only=[platform], lookback_days=9)
    before = Sandbox(7, pair.sandbox.clock, today=NOW.date(), size=TWO).start()
    port = before.port
    pair.d1.execute("update platform_connections set is_active = account_id = ?", [asked])
    killed_after_its_jobs_were_asked_for(pair, platform, before.origin)
    before.stop()
    pair.d1.execute("update platform_connections set is_active = 1")
    with Sandbox(7, pair.sandbox.clock, today=NOW.date(), size=TWO, port=port) as again:
        give_jobs_to(again, pair, platform, other)
        pair.d1.execute("update platform_connections set is_active = account_id = ?", [asked])
        (refused,) = pair.engine(platform, origin=again.origin).run(TODAY)
        assert refused.code == "other_account"
        assert not pair.postgres.fetch("select 1 from ads.campaign_metrics_daily")
        assert [info.key for info in pair.store.list() if "campaign_days" in info.key] == []
        (outcome,) = pair.engine(platform, origin=again.origin).run(TODAY)
    assert outcome.error is None
    assert pair.differences(platform, since=NOW.date().replace(day=11), until=NOW.date()) == _missing(pair, other)


def _missing(pair: AdStores, other: str) -> list[str]:
    """What the second account lacks, because it was not synced."""
    lines = pair.differences(since=NOW.date().replace(day=11), until=NOW.date())
    return [line for line in lines if f":{other}:" in line]


def test_a_job_for_other_settings_is_not_resumed(pair: AdStores) -> None:
    first_alone(pair, "facebook", lookback_days=9)
    killed_after_its_jobs_were_asked_for(pair, "facebook", pair.sandbox.origin)
    first_alone(pair, "facebook", lookback_days=9, click_window=1)
    (outcome,) = pair.sync("facebook")
    assert outcome.error is None
    assert not pair.postgres.fetch("select 1 from ads.sync_slices where state = 'resumed'")
    windows = pair.postgres.fetch("select distinct attribution_window as name from ads.conversions_daily order by 1")
    assert [row["name"] for row in windows] == ["1d_click", "1d_view"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_two_at_once_with_a_sandbox_each_end_as_one(pair: AdStores, platform: Platform) -> None:
    pair.connect(only=[platform], lookback_days=9)
    assert [o.error for o in pair.sync(platform)] == [None, None]
    clean = pair.snapshot()
    pair.empty()
    pair.connect(only=[platform], lookback_days=9)
    with Sandbox(7, pair.sandbox.clock, today=NOW.date(), size=TWO) as second, ThreadPoolExecutor(2) as pool:
        engines = [pair.engine(platform, origin=sandbox.origin) for sandbox in (pair.sandbox, second)]
        outcomes = list(pool.map(lambda engine: list(engine.run(TODAY)), engines))
    assert [outcome.error for run in outcomes for outcome in run] == [None] * 4
    assert pair.snapshot() == clean


def test_a_replay_merges_the_slices_of_one_address(pair: AdStores) -> None:
    """A home that was tried with a sandbox before it was led to the platform."""
    first_alone(pair, "google", lookback_days=3)
    assert [o.error for o in pair.sync("google")] == [None]
    connection = pair.connection("google")["id"]
    engine = pair.engine("google")
    tried = engine.staging.manifests("google", connection)
    assert {manifest.host for manifest in tried} == {"127.0.0.1"}
    pair.sandbox.clock.set(NOW.replace(hour=16))
    with served(pair.sandbox.answer) as origin:
        (outcome,) = pair.engine("google", origin=origin.replace("127.0.0.1", "localhost")).run(TODAY)
    assert outcome.error is None
    total = engine.replay(connection)
    assert total.notes == {"slices left out, which came from 127.0.0.1": len(tried)}
