"""Alerts of processes that are killed at random moments. test_alerts.py does the same within one, in seconds."""

import json
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from assets.health.alerts import Alerts
from assets.health.receivers import LogFile
from resources.postgres import Postgres
from tests.assets.health import alerting_process

KILLS = 100


def told_after(postgres: Postgres, file: Path, time_gone: timedelta) -> int:
    """How many messages are sent when so much time is gone."""

    def clock() -> datetime:
        return datetime.now(UTC) + time_gone

    return Alerts(postgres, LogFile(file, clock), clock).run().sent


@pytest.mark.soak
def test_a_hundred_kills_of_the_process_lose_no_finding_and_name_each_by_one_key(
    migrated_dsn: str, tmp_path: Path
) -> None:
    random, file, epoch = Random(7), tmp_path / "alerts.log", datetime.now(UTC)
    for run in range(KILLS):
        command = [sys.executable, "-m", alerting_process.__name__, migrated_dsn, str(file), f"{run:03}"]
        with subprocess.Popen([*command, epoch.isoformat()], stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for number in range(random.randint(1, 3)):
                assert process.stdout.readline() == f"{run:03}-{number:04}\n"
            # By then it writes, sends or notes what it sent.
            time.sleep(random.uniform(0, 0.03))
            process.kill()
    with Postgres(migrated_dsn) as postgres:
        wanted = [row["subject"] for row in postgres.fetch(alerting_process.FOUND)]
        while told_after(postgres, file, timedelta(days=365)):
            pass
    told = [json.loads(each) for each in file.read_text().splitlines()]
    by_key = {each["key"]: each["body"] for each in told}
    assert all(each["body"] == by_key[each["key"]] for each in told)
    named = Counter(line.split(": ")[1] for body in by_key.values() for line in body.splitlines()[:-1])
    assert len(wanted) >= KILLS
    assert named == Counter(wanted)
