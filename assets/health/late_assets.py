"""Assets that were not made for longer than they may be, although the daemon works: their schedule skips, or somebody
cancels their runs.

Once the daemon makes it, an asset's freshness policy says how old it may become. What does not belong here: moments of
schedules that nobody evaluated (ticks.py), runs that failed (runs.py), and what waits (health.py of each room).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial

from dagster import AssetKey, DagsterInstance, RepositoryDefinition
from dagster._core.definitions.freshness import TimeWindowFreshnessPolicy

from assets.apps.pipelines import PIPELINES
from assets.finding import Finding, HealthCheck
from assets.health.commands import job_command
from assets.health.ticks import BY_HAND, is_working

# After downtime schedules make up what is late.
PATIENCE = timedelta(hours=1)


def check(instance: DagsterInstance, repository: RepositoryDefinition, apps: Sequence[str]) -> HealthCheck:
    """The look at all of them. apps: the names with which those of jobs begin."""
    return HealthCheck(PIPELINES.name, "late_asset", partial(_late, instance, repository, apps), patience=PATIENCE)


def _late(
    instance: DagsterInstance, repository: RepositoryDefinition, apps: Sequence[str], now: datetime
) -> Iterator[Finding]:
    if not is_working(instance, now):
        return  # one cause, one finding; and where people run all by hand, nothing is late
    graph = repository.asset_graph
    longest = {
        key: policy.fail_window.to_timedelta()
        for key in graph.materializable_asset_keys
        if isinstance(policy := graph.get(key).freshness_policy, TimeWindowFreshnessPolicy)
    }
    made = {
        record.asset_entry.asset_key: record.asset_entry.last_materialization.timestamp
        for record in instance.get_asset_records(list(longest))
        if record.asset_entry.last_materialization is not None
    }
    ages = {key: now - datetime.fromtimestamp(at, UTC) for key, at in made.items()}
    late = {key: age for key, age in ages.items() if age > longest[key]}
    commands = _commands(repository, apps) if late else {}
    for key, age in sorted(late.items(), key=lambda one: one[0].to_user_string()):
        said = f"it was last made {_hours(age)} ago, and is to be made at least every {_hours(longest[key])}"
        yield Finding(key.to_user_string(), said, commands.get(key, BY_HAND))


def _commands(repository: RepositoryDefinition, apps: Sequence[str]) -> Mapping[AssetKey, str]:
    """For each asset the command of the job that makes it and does the least else."""
    jobs = [job for job in repository.get_all_jobs() if not job.name.startswith("__")]
    found: dict[AssetKey, str] = {}
    for job in sorted(jobs, key=lambda one: (len(one.asset_layer.selected_asset_keys), one.name)):
        command = BY_HAND if job.partitions_def is not None else job_command(job.name, apps)
        for key in job.asset_layer.selected_asset_keys:
            found.setdefault(key, command)
    return found


def _hours(time: timedelta) -> str:
    return f"{time / timedelta(hours=1):,.1f} h"
