"""Killed anywhere and run again: the same rows as a sync that nothing stopped."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from assets.ads.plan import SyncMode, SyncRequest
from resources.d1 import EmbeddedD1
from resources.postgres import Postgres, copy_in
from resources.r2 import FolderObjectStore
from resources.sql_files import read_sql
from sandbox.world.entities import Platform
from tests.assets.ads.ad_stores import AdStores

CONFIG: dict[str, Any] = {"lookback_days": 6}


class KilledError(BaseException):
    """The process is gone: no handler of ours may catch it."""


class Killer:
    """Counts what a sync does to its stores, and ends it before one of those."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.seen = 0

    def before(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(*arguments: Any, **named: Any) -> Any:
            self.seen += 1
            if self.seen == self.at:
                raise KilledError
            return act(*arguments, **named)

        return acting


@contextmanager
def killing(killer: Killer) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for owner, name in ((FolderObjectStore, "put"), (EmbeddedD1, "execute"), (Postgres, "connection")):
            patched.setattr(owner, name, killer.before(getattr(owner, name)))
        # The statements of a merge's transaction, in their order.
        for room in ("slices", "facts", "entities"):
            patched.setattr(f"assets.ads.{room}.read_sql", killer.before(read_sql))
        for room in ("facts", "entities"):
            patched.setattr(f"assets.ads.{room}.copy_in", killer.before(copy_in))
        yield


@pytest.mark.parametrize("platform", ["google", "microsoft"])
def test_a_sync_killed_anywhere_ends_in_the_same_rows(tiny: AdStores, platform: Platform) -> None:
    tiny.connect(only=[platform], **CONFIG)
    count = Killer(0)
    with killing(count):
        assert [o.error for o in tiny.sync(platform)] == [None]
    clean = tiny.snapshot()
    killed = 0
    for at in range(1, count.seen, count.seen // 14):
        tiny.empty()
        tiny.connect(only=[platform], **CONFIG)
        try:
            with killing(Killer(at)):
                tiny.sync(platform)
        except KilledError:
            killed += 1
        assert [o.error for o in tiny.sync(platform)] == [None]
        assert tiny.snapshot() == clean, f"killed before act {at}"
        assert tiny.connection(platform)["sync_status"] == "success"
    assert killed > 7


@pytest.mark.parametrize(("platform", "levels"), [("facebook", 3), ("microsoft", 4)])
def test_a_report_that_was_asked_for_is_not_asked_for_again(tiny: AdStores, platform: Platform, levels: int) -> None:
    tiny.connect(only=[platform], lookback_days=10)

    def dying(_seconds: float) -> None:
        # The living and the deleted ones, or facts and conversions. Pacing may sleep before the second one.
        if _submits(tiny) == 2:
            raise KilledError

    with pytest.raises(KilledError):
        list(tiny.engine(platform, access={"sleep": dying}).run(_today(tiny)))
    assert [o.error for o in tiny.sync(platform)] == [None]
    assert _submits(tiny) == 2 * levels, "two reports for each level"
    states = tiny.postgres.fetch(
        "select state, attempts from ads.sync_slices where stream = 'campaign_days' order by attempts"
    )
    assert [(row["state"], row["attempts"]) for row in states] == [("resumed", 1), ("merged", 2)]


def _submits(ad_stores: AdStores) -> int:
    asked = ("GenerateReport/Submit", "/insights")
    return sum(e.method == "POST" and e.path.endswith(asked) and e.status == 200 for e in ad_stores.sandbox.log)


def _today(ad_stores: AdStores) -> SyncRequest:
    today = ad_stores.sandbox.clock().date()
    return SyncRequest(SyncMode.RECENT, today, today, today)


DIES = """
import os, signal, sys
from datetime import datetime
from assets.ads.plan import SyncMode, SyncRequest
from assets.ads.sync import AdSync
from assets.apps.clearlift import APP
import assets.ads.facts
from resources.ad_platforms import PLATFORMS
from resources.d1 import EmbeddedD1
from resources.keyring import Keyring
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from pathlib import Path

d1, dsn, store, origin, now = sys.argv[1:]
now = datetime.fromisoformat(now)
copy = assets.ads.facts.copy_in

def dying(connection, table, columns, rows):
    count = copy(connection, table, columns, rows)
    if "entity_id" in columns:
        os.kill(os.getpid(), signal.SIGKILL)
    return count

assets.ads.facts.copy_in = dying
request = SyncRequest(SyncMode.RECENT, now.date(), now.date(), now.date())
engine = AdSync(APP, PLATFORMS["google"], EmbeddedD1(Path(d1)), Postgres(dsn), FolderObjectStore(Path(store)),
                Keyring({1: bytes(range(32))}), lambda: now, origin=origin)
list(engine.run(request))
"""


def test_a_process_that_is_really_killed_in_a_merge(tiny: AdStores) -> None:
    tiny.connect(only=["google"], **CONFIG)
    now = tiny.sandbox.clock()
    arguments = [str(tiny.d1.path), tiny.postgres.dsn, tiny.store.uri(), tiny.sandbox.origin, now.isoformat()]
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd())}
    died = subprocess.run([sys.executable, "-c", DIES, *arguments], env=environment, check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL
    assert tiny.connection("google")["sync_status"] == "syncing"
    assert not tiny.postgres.fetch("select 1 from ads.campaign_metrics_daily limit 1")
    assert [o.error for o in tiny.sync("google")] == [None]
    account = tiny.sandbox.world.accounts("google")[0].id
    days = [day for _, day in tiny.stored("google", account, "campaign")]
    assert tiny.differences("google", since=min(days), until=max(days)) == []


def test_a_killed_run_is_settled_when_the_next_one_begins(tiny: AdStores) -> None:
    tiny.connect(only=["tiktok"], lookback_days=1)
    tiny.sync("tiktok")
    tiny.postgres.execute("update ads.sync_runs set status = 'running', finished_at = null")
    tiny.sandbox.clock.advance(timedelta(minutes=1))
    tiny.sync("tiktok")
    runs = tiny.postgres.fetch("select status, error_code, finished_at from ads.sync_runs order by started_at")
    assert [(run["status"], run["error_code"]) for run in runs] == [("error", "killed"), ("success", None)]
    assert all(run["finished_at"] for run in runs)
