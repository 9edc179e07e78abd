"""From landing to KV with the real daemon: how long until the dashboard in KV counts an event that landed just now.

`clearlift ui` runs on stores of its own, as an operator starts it. First a batch a minute lands, with events of two
organisations, then none. The time of a batch ends when a reader of KV sees its events in the dashboard of the day; no
figure of the pipelines themselves takes part. It takes an hour of each, or `MINUTES=10 python -m benchmarks
landing_to_kv`, and is not part of `make bench`.
"""

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from signal import SIGTERM
from statistics import quantiles

import msgspec
import polars as pl
import psutil
from dagster import DagsterInstance, RunsFilter

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from assets.requested import OPEN
from benchmarks import dataset, measure
from clearlift_pipelines.stores import Stores
from sandbox import sample_stores
from tests.deploy.deployment import free_ports

MINUTES = float(os.environ.get("MINUTES", "60"))
EVERY = timedelta(seconds=60)
"""Five times as often as batches land: each is a sample, and an hour has 60 of them."""
ORGS = ("a3f7c2", "b8e9d1")
EVENTS_A_BATCH = 2_000
"""Of an organisation."""
GOAL_SECONDS = 60
PATIENCE = timedelta(minutes=5)
READY_SECONDS = 300
LOOK_SECONDS = 0.25
START = "from clearlift_pipelines.cli import main; main()"
KEY = "dashboard:{}:summary:1d"


@dataclass(frozen=True)
class Spent:
    """What was spent up to a moment: runs by job, requests by store and class, CPU seconds of all processes."""

    at: float
    runs: Counter[str]
    requests: Counter[str]
    cpu: float

    def since(self, before: "Spent") -> "Spent":
        return Spent(
            self.at - before.at, self.runs - before.runs, self.requests - before.requests, self.cpu - before.cpu
        )


def main() -> None:
    """Print the tables."""
    shutil.rmtree(dataset.ROOT / "landing-to-kv", ignore_errors=True)
    stores = dataset.stores("landing-to-kv")
    sample_stores.fill_d1(stores.d1(CLEARLIFT))
    home = stores.settings.home.resolve()
    environment = {**os.environ, "CLEARLIFT_HOME": str(home)}
    os.environ["DAGSTER_HOME"] = str(home / "dagster")
    (port,) = free_ports(1)
    command = [sys.executable, "-c", START, "ui", "--port", str(port)]
    with (
        stores,
        (home / "ui.log").open("wb") as log,
        subprocess.Popen(command, env=environment, stdout=log, stderr=log) as ui,
    ):
        try:
            _measure(stores, psutil.Process(ui.pid))
        finally:
            ui.send_signal(SIGTERM)


def _measure(stores: Stores, ui: psutil.Process) -> None:
    seen = _Dashboards(stores)
    _land(stores, seen)  # the first run makes what every later one finds
    seen.wait(READY_SECONDS)
    with DagsterInstance.get() as instance:
        while instance.get_runs_count(RunsFilter(statuses=OPEN)):  # those of a first start
            time.sleep(LOOK_SECONDS)
        start = _spent(stores, instance, ui)
        took = _batches(stores, seen)
        busy = _spent(stores, instance, ui)
        cut = quantiles(took, n=100, method="inclusive")
        measure.table(
            f"From landing to KV, {len(took)} batches in {MINUTES:g} minutes: goal p95 ≤ {GOAL_SECONDS} s",
            ["median s", "p95 s", "p99 s", "longest s"],
            [[f"{value:.1f}" for value in (cut[49], cut[94], cut[98], max(took))]],
        )
        _costs("with a batch a minute", busy.since(start))
        time.sleep(MINUTES * 60)
        _costs("idle", _spent(stores, instance, ui).since(busy))


def _costs(when: str, spent: Spent) -> None:
    """A table of what an hour like these minutes takes."""
    hours = spent.at / 3600
    figures = {
        "runs": sum(spent.runs.values()),
        "CPU seconds": spent.cpu,
        **{f"requests to {name}": number for name, number in sorted(spent.requests.items())},
    }
    measure.table(f"An hour {when}", ["", "an hour"], [[name, f"{n / hours:,.0f}"] for name, n in figures.items()])
    print("Runs: " + (", ".join(f"{number} {job}" for job, number in spent.runs.most_common()) or "none"), flush=True)


def _batches(stores: Stores, seen: "_Dashboards") -> list[float]:
    """How long each batch took, in seconds. A batch that another one overtakes counts until both are seen."""
    end = datetime.now(UTC) + timedelta(minutes=MINUTES)
    took: list[float] = []
    while (now := datetime.now(UTC)) < end:
        _land(stores, seen)
        landed = time.monotonic()
        seen.wait(PATIENCE.total_seconds())
        took.append(time.monotonic() - landed)
        time.sleep(max(0.0, (now + EVERY - datetime.now(UTC)).total_seconds()))
    return took


class _Dashboards:
    """What readers of KV see of the organisations' days, and what they should see."""

    def __init__(self, stores: Stores) -> None:
        self._kv = stores.kv(CLEARLIFT)
        self.expected: Counter[str] = Counter()
        self.day = datetime.now(UTC).date()

    def wait(self, patience: float) -> None:
        """Until every organisation's dashboard counts all that landed.

        Raises:
            TimeoutError: it does not.
        """
        deadline = time.monotonic() + patience
        while not all(self._events(org) >= number for org, number in self.expected.items()):
            if time.monotonic() > deadline:
                raise TimeoutError(f"KV does not count all events that landed {patience:.0f} s ago")
            time.sleep(LOOK_SECONDS)

    def _events(self, org: str) -> int:
        value = self._kv.get(KEY.format(org))
        summary = msgspec.json.decode(value) if value is not None else {}
        return int(summary.get("events", 0)) if summary.get("to") == self.day.isoformat() else 0


def _land(stores: Stores, seen: _Dashboards) -> None:
    """Land a batch of events of the last minute, or of the day so far where that is shorter."""
    now = datetime.now(UTC)
    if now.date() != seen.day:
        seen.day, seen.expected = now.date(), Counter()
    start = max(now - EVERY, now.replace(hour=0, minute=0, second=0, microsecond=0))
    frames = [dataset.events(EVENTS_A_BATCH, org, start, now - start, random.getrandbits(30)) for org in ORGS]
    lines = [msgspec.json.encode(row) for row in pl.concat(frames).iter_rows(named=True)]
    key = f"{landing.zone(CLEARLIFT).hour_prefix(now)}batch-{now:%M%S%f}.ndjson"
    stores.object_store.put(key, b"\n".join(lines))
    seen.expected.update(dict.fromkeys(ORGS, EVENTS_A_BATCH))


def _spent(stores: Stores, instance: DagsterInstance, ui: psutil.Process) -> Spent:
    runs = Counter(run.job_name for run in instance.get_runs())
    rows = stores.postgres.fetch(
        "select store, class as kind, sum(requests)::bigint as n from health.requests group by 1, 2"
    )
    requests = Counter({f"{row['store']} {row['kind']}": row["n"] for row in rows})
    return Spent(time.monotonic(), runs, requests, sum(map(_cpu, [ui, *ui.children(recursive=True)])))


def _cpu(process: psutil.Process) -> float:
    """The CPU seconds of a process and of its children that ended."""
    try:
        used: Mapping[str, float] = process.cpu_times()._asdict()
    except psutil.NoSuchProcess:
        return 0.0
    return sum(used.get(name, 0.0) for name in ("user", "system", "children_user", "children_system"))
