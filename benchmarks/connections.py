"""An hourly sync of 2,000 ad connections: a run a platform, over platforms that need 300 ms for every answer.

The runs are processes of their own with the stores of a development machine. The platforms are the sandbox, in this
process. It takes most of an hour, so that `make bench` leaves it out: `python -m benchmarks connections`.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from threading import Lock
from typing import Any

from assets.ads.connections import COLUMN
from assets.ads.plan import SyncMode, SyncRequest
from assets.ads.sync import AdSync, accounts_of
from assets.apps.clearlift import APP
from benchmarks import dataset, measure
from clearlift_pipelines.stores import Stores, utc_now
from resources.ad_platforms import PLATFORMS
from sandbox.exchange import Request, Response
from sandbox.faults import Fault
from sandbox.server import Sandbox
from sandbox.world.catalogue import Size
from sandbox.world.entities import PLATFORMS as SAMPLES

CONNECTIONS = 2_000
ANSWER_SECONDS = 0.3
ORG, USER = "org", "user"


class SlowSandbox(Sandbox):
    """Answers late, and counts the requests of each platform in each second."""

    def __init__(self, accounts: int) -> None:
        super().__init__(size=Size(dict.fromkeys(SAMPLES, accounts), (2, 2), (1, 2), (1, 2), 40))
        self.seconds: Counter[tuple[str, int]] = Counter()
        self._counting = Lock()

    def answer(self, request: Request) -> tuple[Response | None, Fault | None]:
        service = self._services.get(request.host)
        if service is not None:
            with self._counting:
                self.seconds[service.platform, int(time.monotonic())] += 1
        time.sleep(ANSWER_SECONDS)
        return super().answer(request)


def main(connections: int = CONNECTIONS) -> None:
    """Print what the runs took."""
    each = connections // len(SAMPLES)
    with SlowSandbox(each) as sandbox:
        _connect(sandbox)
        runs = {
            name: subprocess.Popen(
                [sys.executable, "-m", "benchmarks.connections", name, sandbox.origin],
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in SAMPLES
        }
        said = {name: json.loads(run.communicate()[0]) for name, run in runs.items()}
        rows = [_line(name, said[name], sandbox.seconds) for name in SAMPLES]
    header = [
        "platform",
        "connections",
        "failed",
        "requests",
        "seconds",
        "CPU seconds",
        "most in 10 s",
        "allowed in 10 s",
    ]
    measure.table(f"{connections:,} connections, {ANSWER_SECONDS:g} s an answer, four runs at once", header, rows)
    dataset.stores("connections").close()


def run(platform: str, origin: str) -> None:
    """The hourly run of a platform: yesterday and today of each connection. Prints its result as JSON."""
    stores = dataset.stores("connections")
    stores.ad_origin = origin
    engine = AdSync.of(stores, APP, PLATFORMS[platform])
    today = utc_now().date()
    began, cpu = time.perf_counter(), time.process_time()
    results = list(engine.run(SyncRequest(SyncMode.RECENT, today - timedelta(days=1), today, today)))
    said = {
        "connections": len(results),
        "failed": sum(result.error is not None for result in results),
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
    }
    print(json.dumps(said))
    stores.close()


def _connect(sandbox: Sandbox) -> None:
    stores = dataset.stores("connections")
    d1, table = stores.d1(APP), accounts_of(APP).table
    d1.execute(f"delete from {table}")
    stores.postgres.execute("truncate ads.sync_runs, ads.sync_slices, ads.sync_state, pacing.buckets cascade")
    d1.upsert("users", ["id", "email", "issuer", "access_sub"], [[USER, "u@x.example", "i", "s"]], ["id"])
    d1.upsert("organizations", ["id", "name", "slug", "subscription_tier"], [[ORG, ORG, ORG, "pro"]], ["id"])
    for platform in SAMPLES:
        rows = []
        for account in sandbox.world.accounts(platform):
            row = f"{platform}-{account.id}"
            document = json.dumps(sandbox.credentials(platform, account.id))
            rows.append([row, ORG, platform, account.id, USER, _sealed(stores, document, row)])
        d1.upsert(table, ["id", "organization_id", "platform", "account_id", "connected_by", COLUMN], rows, ["id"])
    stores.close()


def _sealed(stores: Stores, document: str, row: str) -> str:
    return stores.keyring.seal_text(document, table=accounts_of(APP).table, column=COLUMN, row=row)


def _line(name: str, said: Mapping[str, Any], seconds: Counter[tuple[str, int]]) -> list[str]:
    times = {second: count for (platform, second), count in seconds.items() if platform == name}
    most = max(sum(times.get(start + offset, 0) for offset in range(10)) for start in times)
    rate = PLATFORMS[name].app_rate
    return [
        name, f"{said['connections']:,}", f"{said['failed']}", f"{sum(times.values()):,}", f"{said['seconds']:,.0f}",
        f"{said['cpu']:,.0f}", f"{most}", f"{rate.burst + 10 * rate.per_second:g}",
    ]  # fmt: skip


if __name__ == "__main__":
    run(*sys.argv[1:])
