"""One token bucket for all processes of a database: what each of them waits for is what the others have left."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from resources import migrations
from resources.pacing import Rate
from resources.postgres import Postgres
from resources.postgres.pacing import SharedBucket

ROOT = Path(__file__).resolve().parents[3]
RATE = Rate(per_second=0.1, burst=5)
EACH = 20
TAKES = f"""
import sys
from resources.pacing import Rate
from resources.postgres import Postgres
from resources.postgres.pacing import SharedBucket

with Postgres(sys.argv[1]) as postgres:
    bucket = SharedBucket(postgres, "ads.any", {RATE!r}, sleep=lambda _: None)
    for _ in range({EACH}):
        print(bucket.take())
"""


@pytest.fixture
def paced(postgres: Postgres) -> Postgres:
    migrations.up(migrations.PostgresAppliedMigrations(postgres), "pipelines/postgres")
    return postgres


def test_two_processes_keep_one_rate(paced: Postgres, postgres_dsn: str) -> None:
    began = time.monotonic()
    processes = [
        subprocess.Popen([sys.executable, "-c", TAKES, postgres_dsn], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    waits = [float(line) for process in processes for line in process.communicate()[0].splitlines()]
    passed = time.monotonic() - began
    assert [process.returncode for process in processes] == [0, 0]
    assert len(waits) == 2 * EACH
    # Nothing slept, so that all came at once: the burst waits for nothing, and each further one for ten seconds more.
    due = (2 * EACH - RATE.burst) / RATE.per_second
    assert due - passed <= max(waits) <= due
    assert RATE.burst <= waits.count(0) <= RATE.burst + passed * RATE.per_second


def test_an_idle_bucket_is_full_and_no_fuller(paced: Postgres) -> None:
    slept: list[float] = []
    bucket = SharedBucket(paced, "ads.any", RATE, sleep=slept.append)
    bucket.take()
    paced.execute("update pacing.buckets set free_at = now() - interval '1 day'")
    assert [bucket.take() for _ in range(5)] == [0] * 5
    assert bucket.take() == slept[-1] > 0
    assert SharedBucket(paced, "ads.other", RATE).take() == 0, "each service has a bucket of its own"
