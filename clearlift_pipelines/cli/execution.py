"""Running jobs in this process, without a daemon: progress on the terminal, run history in Dagster's instance.

A run whose process was killed is reported to Dagster by the next command: it would hold its pool slots for ever.
"""

import socket
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from textwrap import shorten
from typing import Any

import click
import psutil
from dagster import (
    AssetCheckEvaluation,
    AssetCheckSeverity,
    AssetKey,
    BoolMetadataValue,
    DagsterInstance,
    DagsterRunStatus,
    Definitions,
    FloatMetadataValue,
    IntMetadataValue,
    JobExecutionResult,
    RunsFilter,
    TextMetadataValue,
)
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.definitions.repository_definition import SINGLETON_REPOSITORY_NAME
from dagster._core.execution.api import execute_run
from dagster._core.remote_origin import RegisteredCodeLocationOrigin, RemoteRepositoryOrigin
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    MAX_RETRIES_TAG,
    PARTITION_NAME_TAG,
)
from rich.console import Console
from rich.progress import Progress
from rich.text import Text

from assets.apps import App
from assets.capability import Object, job_name, op_name
from assets.declined import NEXT
from assets.requested import PROCESS_TAG
from clearlift_pipelines import settings
from clearlift_pipelines.cli import tables
from clearlift_pipelines.cli.entry import dagster_home
from clearlift_pipelines.cli.interruption import not_swallowed
from clearlift_pipelines.cli.terminal import Terminal, progress_on
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.project import LOCATION
from resources.counts import counted, listed
from resources.declined import DeclinedError

# Whose the runs are: without it the UI's Timeline and pages of jobs leave them out.
LOCATED = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(LOCATION), SINGLETON_REPOSITORY_NAME)
WARN = AssetCheckSeverity.WARN
TOLD = (BoolMetadataValue, FloatMetadataValue, IntMetadataValue, TextMetadataValue)
NAMED = 5  # failed checks in the last line
LONGEST = 400  # characters of a failure's reason
# Run through an instance, a job logs every event to the terminal; the progress bar says what a person follows.
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class Workbench(Terminal):
    """A terminal that also runs jobs: it has the definitions, and Dagster's instance."""

    def __init__(
        self, chosen: settings.Settings, console: Console, progress: Progress, instance: DagsterInstance
    ) -> None:
        super().__init__(chosen, console, progress)
        self.instance = instance
        self._failed: dict[tuple[str, str], None] = {}
        self.definitions: Definitions = build_defs(chosen, self.stores)

    def has(self, app: App, job: str) -> bool:
        """Whether an app has a job."""
        return any(found.name == job_name(app, job) for found in self.definitions.jobs or ())

    def run(
        self,
        app: App,
        job: str,
        first: str | None = None,
        last: str | None = None,
        *,
        config: Mapping[Object, Mapping[str, Any]] | None = None,
        assets: Sequence[Object] | None = None,
    ) -> JobExecutionResult:
        """Run a job of an app here; `first` to `last` are partition keys, run as one.

        Raises:
            click.ClickException: the run failed; the line names the step and its first reason, or is an expected
                refusal's own sentence.
            Interrupted: a signal came meanwhile.
        """
        name = job_name(app, job)
        definition = self.definitions.resolve_job_def(name)
        # The daemon makes no run of a command again: the person who typed it has seen what happened.
        tags = {**definition.run_tags, PROCESS_TAG: _this_process(), MAX_RETRIES_TAG: "0"}
        if first is not None and first == (last or first):
            tags[PARTITION_NAME_TAG] = first
        elif first is not None:
            tags |= {ASSET_PARTITION_RANGE_START_TAG: first, ASSET_PARTITION_RANGE_END_TAG: last or first}
        ops = {op_name((app.name, *name)): {"config": values} for name, values in (config or {}).items()}
        with not_swallowed():
            run = self.instance.create_run_for_job(
                definition,
                run_config={**QUIET, "ops": ops},
                tags=tags,
                asset_selection=frozenset(AssetKey([app.name, *one]) for one in assets) if assets else None,
                remote_job_origin=LOCATED.get_job_origin(name),
            )
            result = execute_run(InMemoryJob(definition), run, self.instance)
        if not result.success:
            raise click.ClickException(_why(result))
        for evaluation in (e for e in result.get_asset_check_evaluations() if not e.passed):
            self._say(evaluation)
        return result

    def refuse_failed_checks(self) -> None:
        """After all work, which a failed check does not stop.

        Raises:
            DeclinedError: checks of severity ERROR failed; it names them, and where all that they found is.
        """
        if self._failed:
            names = listed([f"{asset} {check}" for asset, check in self._failed], NAMED, "; ")
            asset, check = next(iter(self._failed))
            raise DeclinedError(
                f"{counted(len(self._failed), 'check')} failed: {names}",
                "read the lines above that begin with `check failed`; all that was found is in the UI (`clearlift ui`),"
                f" for example at /assets/{asset}?view=checks&checkDetail={check}",
            )

    def _say(self, evaluation: AssetCheckEvaluation) -> None:
        """A check that did not pass; of a failed one also what it counted, such as the ids of rows."""
        asset, check = evaluation.asset_key.to_user_string(), evaluation.check_name
        warned = evaluation.severity is WARN
        if not warned:
            self._failed[asset, check] = None
        told = [
            f"{name} {value.value}"
            for name, value in evaluation.metadata.items()
            if not warned and isinstance(value, TOLD) and "/" not in name
        ]
        found = f" ({', '.join(told)})" if told else ""
        # What a check says may hold brackets of others, so it is no markup.
        self.console.print(
            Text.assemble(
                ("warning", "yellow") if warned else ("check failed", "red"),
                f" {asset} {check}: {evaluation.description or 'see the UI'}{found}",
            ),
            soft_wrap=True,
        )


@contextmanager
def workbench() -> Iterator[Workbench]:
    """A workbench for the length of a command, which is refused at its end where a check of it failed."""
    chosen = settings.load()
    dagster_home(chosen)
    console = tables.console()
    with DagsterInstance.get() as instance, progress_on(console) as progress:
        end_dead_runs(instance)
        bench = Workbench(chosen, console, progress, instance)
        with bench.stores:
            yield bench
            bench.stores.note_requests()
        bench.refuse_failed_checks()


def end_dead_runs(instance: DagsterInstance) -> int:
    """Tell Dagster of runs whose process on this machine is gone, and free their pool slots; returns how many."""
    ended = 0
    running = RunsFilter(statuses=[DagsterRunStatus.STARTED, DagsterRunStatus.STARTING, DagsterRunStatus.NOT_STARTED])
    for record in instance.get_run_records(running):
        run = record.dagster_run
        owner = run.tags.get(PROCESS_TAG)
        if owner is not None and _is_dead(owner):
            instance.report_run_failed(run, "The process that ran it was killed.")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended += 1
    return ended


def _this_process() -> str:
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.0f}"


def _is_dead(owner: str) -> bool:
    host, pid, created = owner.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    try:
        return f"{psutil.Process(int(pid)).create_time():.0f}" != created
    except psutil.NoSuchProcess:
        return True


def _why(result: JobExecutionResult) -> str:
    for event in result.all_events:
        if event.is_step_failure:
            failure = event.step_failure_data
            if failure.user_failure_data and NEXT in failure.user_failure_data.metadata:
                return str(failure.user_failure_data.description)
            error = failure.error
            # Below Dagster's own: what our code raised names the file or the account, what it was raised from need not.
            while error is not None and error.cause is not None and (error.cls_name or "").startswith("Dagster"):
                error = error.cause
            # What an asset says of its failure itself comes without the name of an exception's type.
            said = failure.user_failure_data.description if failure.user_failure_data else error and error.message
            reason = shorten(said, LONGEST, placeholder=" …") if said else "no reason was recorded"
            return f"{str(event.step_key).replace('__', '/')} failed: {reason}"
    return f"run {result.run_id} failed; the UI shows why"
