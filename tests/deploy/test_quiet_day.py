"""A fresh sample and the day after it, in which nothing is wrong, raise no finding: what is red must matter.

The day is Sunday's second half and the Monday on which a month, a quarter and a year begin, so that every schedule has
its moment.
"""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from assets.finding import NOTHING_RAN

ROOT = Path(__file__).resolve().parents[2]
START = datetime(2028, 12, 31, 12, 2, tzinfo=UTC)
LAUNCHER = """
run_launcher:
  module: dagster._core.launcher.sync_in_memory_run_launcher
  class: SyncInMemoryRunLauncher
run_coordinator:
  module: dagster._core.run_coordinator
  class: DefaultRunCoordinator
storage:
  custom:
    module: clearlift_pipelines.history
    class: RunHistory
    config: {}
telemetry:
  enabled: false
compute_logs:
  module: dagster._core.storage.noop_compute_log_manager
  class: NoOpComputeLogManager
"""


@pytest.fixture
def at_start(tmp_path: Path) -> dict[str, str]:
    """The environment of processes whose clock begins at START, over stores of their own."""
    library = next((ROOT / ".engines" / "faketime").rglob("libfaketimeMT.so.1"), None)
    if library is None:
        pytest.skip("there is no libfaketime: make engines")
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("CLEARLIFT_", "DAGSTER_"))}
    dagster_home, clock = tmp_path / "dagster", tmp_path / "clock"
    dagster_home.mkdir()
    (dagster_home / "dagster.yaml").write_text(LAUNCHER)
    clock.write_text(f"+{(START - datetime.now(UTC)).total_seconds():.3f}")
    # Postgres runs as another user where the tests run as root.
    tmp_path.chmod(0o755)
    clock.chmod(0o644)
    faked = {
        "LD_PRELOAD": str(library),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        # Read at every call: a process that keeps what it read is behind the others.
        "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
    }
    return {**plain, **faked, "CLEARLIFT_HOME": str(tmp_path / "home"), "DAGSTER_HOME": str(dagster_home)}


def clearlift(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, "-c", "from clearlift_pipelines.cli import main; main()", *arguments]
    return subprocess.run(program, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.soak
def test_a_fresh_sample_and_the_day_after_it_raise_no_finding(at_start: dict[str, str]) -> None:
    try:
        made = clearlift(at_start, "run", "--scale", "0.05")
        assert made.returncode == 0, made.stdout + made.stderr
        status = clearlift(at_start, "status")
        assert (status.returncode, NOTHING_RAN in status.stdout) == (0, False), status.stdout + status.stderr
        day = subprocess.run(
            [sys.executable, "-m", "tests.deploy.quiet_day"],
            env=at_start, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
        looks = [json.loads(line) for line in day.stdout.splitlines()]
        assert len(looks) == 288
        assert looks[-1]["at"] == "2029-01-01 12:02"
        assert {fault for look in looks for fault in (*look["open"], *look["errors"], *look["failed"])} == set()
        status = clearlift(at_start, "status")
        assert status.returncode == 0, status.stdout + status.stderr
    finally:
        clearlift(at_start, "stop")
