"""A daemon that is away now and then: Dagster's own scheduler over the real schedules and ledger, hour by hour.

The runs that it queues are not executed: the ledger records that they made their windows, or they fail. What belongs
here: the world of this simulation. What does not: what must be true of it (test_downtime.py).
"""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import dagster._daemon.daemon  # noqa: F401 - first, or the scheduler's module imports itself in a circle
from dagster import (
    DagsterEvent,
    DagsterEventType,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    Definitions,
    RunsFilter,
    ScheduleDefinition,
    definitions,
)
from dagster._core.origin import DEFAULT_DAGSTER_ENTRY_POINT
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import InProcessWorkspaceLoadTarget
from dagster._scheduler.scheduler import launch_scheduled_runs

from assets.rollups.definition import VERSION, Grain
from assets.rollups.periods import Period
from assets.windows import HOUR
from resources.sql_files import read_sql
from tests.clearlift_pipelines.location import Location

ROOT = Path(__file__).resolve().parents[2]
MADE_BY: dict[str, Grain | Period] = {
    "clearlift_hourly": Grain.HOURLY,
    "clearlift_roll_up_days": Grain.DAILY,
    "clearlift_roll_up_weeks": Period.WEEKLY,
    "clearlift_roll_up_months": Period.MONTHLY,
}
SCHEDULES = {"clearlift_hourly", "clearlift_daily", "clearlift_weekly", "clearlift_monthly"}
LOG = logging.getLogger("downtime")
# What the code location loads; while it is empty, loading fails.
HELD: list[Definitions] = []


@definitions
def defs() -> Definitions:
    """The code location, as the daemon loads it."""
    return HELD[-1]


@dataclass
class Downtime:
    """One daemon and one ledger. made: how often each hour and day was made; failed: how many runs failed."""

    location: Location
    instance: DagsterInstance
    chance: Random
    made: Counter[tuple[str, str]] = field(default_factory=Counter)
    failed: int = 0
    asked: int = 0

    def __post_init__(self) -> None:
        whole = self.location.defs
        schedules = [s for s in whole.schedules or () if isinstance(s, ScheduleDefinition) and s.name in SCHEDULES]
        self._definitions = Definitions(
            assets=whole.assets,
            asset_checks=whole.asset_checks,
            jobs=whole.jobs,
            schedules=schedules,
            resources=whole.resources,
            executor=whole.executor,
        )
        self._stack = ExitStack()
        self._iterations: dict[str, Any] = {}
        self._context: WorkspaceProcessContext | None = None

    def present(self, hours: int) -> None:
        """Hours in which the daemon runs."""
        for _ in range(hours):
            self._hour()
            self._launch()
            self._make(self.chance)

    def away(self, hours: int) -> None:
        """Hours in which no daemon runs; then it starts again."""
        for _ in range(hours):
            self._hour()
        self.stop()

    def broken(self, hours: int) -> None:
        """Hours in which the daemon runs and the code location cannot be loaded."""
        self.stop()
        HELD.clear()
        for _ in range(hours):
            self._hour()
            self._launch(loads=False)
        self.stop()

    def settle(self, hours: int) -> None:
        """Quiet hours without failures."""
        for _ in range(hours):
            self._hour()
            self._launch()
            self._make(None)

    def stop(self) -> None:
        """The daemon ends; the next hour starts another."""
        self._stack.close()
        self._context, self._iterations = None, {}

    def _hour(self) -> None:
        assert self.location.now is not None
        self.location.now += HOUR

    def _launch(self, *, loads: bool = True) -> None:
        if self._context is None:
            HELD[:] = [self._definitions] if loads else []
            origin = LoadableTargetOrigin(module_name=__name__, attribute="defs", working_directory=str(ROOT))
            target = InProcessWorkspaceLoadTarget(
                InProcessCodeLocationOrigin(origin, entry_point=DEFAULT_DAGSTER_ENTRY_POINT)
            )
            self._context = self._stack.enter_context(WorkspaceProcessContext(self.instance, target))
        assert self.location.now is not None
        errors = list(launch_scheduled_runs(self._context, LOG, self.location.now, self._iterations))
        assert [error for error in errors if error is not None] == []

    def _make(self, chance: Random | None) -> None:
        """End the runs that wait: most make their windows, some fail before or half way, some wait for longer."""
        for run in reversed(self.instance.get_runs(RunsFilter(statuses=[DagsterRunStatus.QUEUED]))):
            luck = chance.random() if chance else 0.0
            if luck > 0.95:
                continue
            windows = list(_windows(run))
            self.asked += 1
            fails = luck > 0.85
            self._record(MADE_BY[run.job_name], windows[: len(windows) // 2] if fails else windows)
            if fails:
                self.failed += 1
                self.instance.report_run_failed(run)
            else:
                done = DagsterEvent(DagsterEventType.RUN_SUCCESS.value, job_name=run.job_name)
                self.instance.report_dagster_event(done, run.run_id)

    def _record(self, length: Grain | Period, windows: list[datetime]) -> None:
        postgres, of = self.location.stores.postgres, {"app": "clearlift", "grain": length.value}
        known = {**of, "version": VERSION, "built_at": self.location.now}
        self.made.update((length.value, f"{start:%Y-%m-%d %H}") for start in windows)
        if isinstance(length, Grain):
            postgres.execute(
                read_sql("rollups/record_windows.sql"),
                {
                    **known,
                    "org_tag": "",
                    "snapshot_id": None,
                    "sequence": 0,
                    "windows": windows,
                    "events": [0] * len(windows),
                },
            )
            return
        for start in windows:
            postgres.execute(read_sql("rollups/claim_period.sql"), {**of, "window": start})
            postgres.execute(read_sql("rollups/close_period.sql"), {**known, "window": start, "events": 0})


def _windows(run: DagsterRun) -> Iterator[datetime]:
    """The starts of the windows that a run makes."""
    one = run.tags.get(PARTITION_NAME_TAG, "")
    length = MADE_BY[run.job_name]
    form = "%Y-%m-%d-%H:%M" if length is Grain.HOURLY else "%Y-%m-%d"
    first, last = (
        datetime.strptime(run.tags.get(tag, one), form).replace(tzinfo=UTC)
        for tag in (ASSET_PARTITION_RANGE_START_TAG, ASSET_PARTITION_RANGE_END_TAG)
    )
    while first <= last:
        yield first
        first = first + length.step if isinstance(length, Grain) else length.of(first.date()).end
