"""Checks of assets that failed when they were last evaluated, each as a finding with the job that evaluates it again.

So a rule that a room has as a check needs nothing more. What does not belong here: checks that a room looks at itself,
because it knows a better command (`HealthCheck.covers`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from textwrap import shorten

from dagster import AssetCheckKey, AssetCheckSeverity, DagsterInstance, RepositoryDefinition
from dagster._core.storage.asset_check_execution_record import (
    AssetCheckExecutionRecord,
    AssetCheckExecutionRecordStatus,
)
from dagster._core.storage.tags import PARTITION_NAME_TAG

from assets.apps.pipelines import PIPELINES
from assets.finding import Finding, HealthCheck, Severity
from assets.health.commands import job_command

LONGEST = 400


def checks(
    instance: DagsterInstance, repository: RepositoryDefinition, apps: Sequence[str], covered: Collection[str]
) -> list[HealthCheck]:
    """The look at all of them. covered: names of checks that are not looked at here."""
    return [HealthCheck(PIPELINES.name, "failed_check", partial(_failed, instance, repository, apps, covered))]


def _failed(
    instance: DagsterInstance,
    repository: RepositoryDefinition,
    apps: Sequence[str],
    covered: Collection[str],
    _now: datetime,
) -> Iterator[Finding]:
    keys = [key for key in repository.asset_graph.asset_check_keys if key.name not in covered]
    found = instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
    failed = {key: record for key, record in found.items() if record.status is AssetCheckExecutionRecordStatus.FAILED}
    jobs = _jobs(repository) if failed else {}
    for key, record in sorted(failed.items(), key=lambda one: one[0].to_user_string()):
        evaluation = record.evaluation
        warns = evaluation is not None and evaluation.severity is AssetCheckSeverity.WARN
        said = (evaluation.description if evaluation is not None else None) or "it failed; the UI has its figures"
        subject = f"{key.asset_key.to_user_string()} {key.name}"
        yield Finding(
            subject,
            shorten(said, LONGEST, placeholder=" …"),
            _command(instance, record, jobs.get(key, ""), apps),
            Severity.WARNING if warns else Severity.CRITICAL,
            datetime.fromtimestamp(record.create_timestamp, UTC),
        )


def _command(instance: DagsterInstance, record: AssetCheckExecutionRecord, job: str, apps: Sequence[str]) -> str:
    run = instance.get_run_by_id(record.run_id)
    partition = run.tags.get(PARTITION_NAME_TAG, "") if run is not None else ""
    return job_command(job, apps, partition, partition)


def _jobs(repository: RepositoryDefinition) -> Mapping[AssetCheckKey, str]:
    """For each check the job that evaluates it and does the least else."""
    by_size = sorted(
        (job for job in repository.get_all_jobs() if not job.name.startswith("__")),
        key=lambda job: (len(job.asset_layer.selected_asset_keys), job.name),
    )
    found: dict[AssetCheckKey, str] = {}
    for job in by_size:
        for key in job.asset_layer.asset_graph.asset_check_keys:
            found.setdefault(key, job.name)
    return found
