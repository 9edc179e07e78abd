"""Checks of assets that failed when they were last evaluated, each as a finding with the job that evaluates it again.

So a rule that a room has as a check needs nothing more. What does not belong here: checks that a room looks at itself,
because it knows a better command (`HealthCheck.covers`).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
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
# What warns passes by itself as a rule, such as tables that the server vacuums in the next hours.
A_DAY = timedelta(days=1)


def checks(
    instance: DagsterInstance, repository: RepositoryDefinition, apps: Sequence[str], covered: Collection[str]
) -> list[HealthCheck]:
    """The looks at all of them. covered: names of checks that are not looked at here."""
    failed = _FailedChecks(instance, repository, apps, frozenset(covered))
    return [
        HealthCheck(PIPELINES.name, "failed_check", lambda _: failed.of(Severity.CRITICAL)),
        HealthCheck(PIPELINES.name, "warning_check", lambda _: failed.of(Severity.WARNING), patience=A_DAY),
    ]


@dataclass(frozen=True)
class _FailedChecks:
    """The checks of a repository whose last evaluation failed."""

    instance: DagsterInstance
    repository: RepositoryDefinition
    apps: Sequence[str]
    covered: frozenset[str]

    def of(self, severity: Severity) -> Iterator[Finding]:
        """Those of a severity."""
        keys = [key for key in self.repository.asset_graph.asset_check_keys if key.name not in self.covered]
        found = self.instance.event_log_storage.get_latest_asset_check_execution_by_key(keys)
        failed = {key: one for key, one in found.items() if _severity(one) is severity}
        jobs = _jobs(self.repository) if failed else {}
        for key, record in sorted(failed.items(), key=lambda one: one[0].to_user_string()):
            evaluation = record.evaluation
            said = (evaluation.description if evaluation is not None else None) or "it failed; the UI has its figures"
            yield Finding(
                f"{key.asset_key.to_user_string()} {key.name}",
                shorten(said.rstrip("."), LONGEST, placeholder=" …"),
                self._command(record, jobs.get(key, "")),
                severity,
                datetime.fromtimestamp(record.create_timestamp, UTC),
            )

    def _command(self, record: AssetCheckExecutionRecord, job: str) -> str:
        run = self.instance.get_run_by_id(record.run_id)
        partition = run.tags.get(PARTITION_NAME_TAG, "") if run is not None else ""
        return job_command(job, self.apps, partition, partition)


def _severity(record: AssetCheckExecutionRecord) -> Severity | None:
    if record.status is not AssetCheckExecutionRecordStatus.FAILED:
        return None
    warns = record.evaluation is not None and record.evaluation.severity is AssetCheckSeverity.WARN
    return Severity.WARNING if warns else Severity.CRITICAL


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
