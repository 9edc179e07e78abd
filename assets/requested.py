"""The runs of the graph as a tick or a watch sees them: what open runs are making, and how earlier requests ended.

What belongs here: reading Dagster's runs, and the tags by which they are found. What does not: when to ask again
(pace.py).
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from dagster import (
    AssetKey,
    DagsterInstance,
    DagsterRun,
    DagsterRunStatus,
    RepositoryDefinition,
    RunRequest,
    RunsFilter,
)
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    PARTITION_NAME_TAG,
)

from assets.pace import TRIES, Ended, Try

# What was asked for, when, and the state that had made it due.
ASKED, ASKED_AT, STATE = "clearlift/asked", "clearlift/asked_at", "clearlift/state"
# The process of this machine that a command runs its job in; without it, the daemon started the run.
PROCESS_TAG = "clearlift/process"
# How often Dagster makes a run again whose process died.
MAX_RETRIES = 2
OPEN = [status for status in DagsterRunStatus if status not in FINISHED_STATUSES]
# A store's clock may be behind ours by so much.
CLOCKS_DIFFER = timedelta(seconds=10)
# A backfill may queue thousands, which would take longer to read than a sensor has.
MOST_OPEN = 1_000


@dataclass(frozen=True)
class Work:
    """What a run makes: assets, with the configuration of their ops, of a range of partitions (empty where of none).

    A job that makes no asset, because it only checks some, stands for itself by its name.
    """

    assets: frozenset[AssetKey | str]
    ops: Mapping[str, Any]
    first: str
    last: str

    def covers(self, other: "Work") -> bool:
        """Whether it makes all that the other would, at least for some partitions of it."""
        # Keys of one asset are times of one format, so that their order as texts is that of their times.
        overlapping = bool(self.first) == bool(other.first) and self.first <= other.last and other.first <= self.last
        return self.assets >= other.assets and self.ops == other.ops and overlapping


class Runs:
    """The runs that an instance knows."""

    def __init__(self, instance: DagsterInstance, repository: RepositoryDefinition) -> None:
        self._instance = instance
        self._repository = repository

    def are_making(self, request: RunRequest, job: str) -> bool:
        """Whether an open run, no matter who started it, makes what a request for a job asks for."""
        tags = {**request.tags, **({PARTITION_NAME_TAG: request.partition_key} if request.partition_key else {})}
        wanted = self._work(request.job_name or job, request.asset_selection, request.run_config, tags)
        return any(work.covers(wanted) for work in self._open)

    def have_made(self, assets: Collection[AssetKey], since: datetime) -> bool:
        """Whether runs that began after a moment of another clock have made each of these assets."""
        for asset in assets:
            event = self._instance.get_latest_materialization_event(asset)
            run = self._instance.get_run_record_by_id(event.run_id) if event is not None else None
            if run is None or run.start_time is None or run.start_time < (since + CLOCKS_DIFFER).timestamp():
                return False
        return True

    def tries(self, job: str, asked: str) -> list[Try]:
        """The last tries for this name, newest first. A run that was made again is one try with the runs made of it."""
        runs = RunsFilter(job_name=job, tags={ASKED: asked})
        found = self._instance.get_run_records(runs, limit=TRIES * (1 + MAX_RETRIES))
        tries: dict[datetime, Try] = {}
        for record in found:
            one = _try(record.dagster_run)
            tries.setdefault(one.asked_at, one)  # Dagster copies the tags of the run that it makes again
        return list(tries.values())[:TRIES]

    @cached_property
    def _open(self) -> list[Work]:
        runs = self._instance.get_runs(RunsFilter(statuses=OPEN), limit=MOST_OPEN)
        return [self._work(run.job_name, run.asset_selection, run.run_config, run.tags) for run in runs]

    def _work(
        self,
        job: str,
        assets: Collection[AssetKey] | None,
        config: Mapping[str, Any],
        tags: Mapping[str, str],
    ) -> Work:
        if not assets and self._repository.has_job(job):
            assets = self._repository.get_job(job).asset_layer.selected_asset_keys
        one = tags.get(PARTITION_NAME_TAG, "")
        return Work(
            frozenset(assets or (job,)),
            config.get("ops") or {},
            tags.get(ASSET_PARTITION_RANGE_START_TAG, one),
            tags.get(ASSET_PARTITION_RANGE_END_TAG, one),
        )


def _try(run: DagsterRun) -> Try:
    ended = Ended.SUCCEEDED if run.is_success else Ended.FAILED if run.is_finished else Ended.OPEN
    return Try(ended, datetime.fromisoformat(run.tags[ASKED_AT]), run.tags.get(STATE, ""))
