"""`clearlift resume`: schedules and sensors that somebody stopped run again."""

import click
from dagster import DagsterInstance
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData

from clearlift_pipelines import settings
from clearlift_pipelines.cli.entry import dagster_home
from clearlift_pipelines.stores import utc_now
from resources.declined import DeclinedError


@click.command()
@click.argument("names", metavar="NAME...", nargs=-1, required=True)
def resume(names: tuple[str, ...]) -> None:
    """Let schedules and sensors run again that somebody stopped.

    Example: clearlift resume clearlift_landing
    """
    dagster_home(settings.load())
    with DagsterInstance.get() as instance:
        stopped = {
            state.name: state for state in instance.all_instigator_state() if state.status is InstigatorStatus.STOPPED
        }
        unknown = [name for name in names if name not in stopped]
        if unknown:
            there = ", ".join(sorted(stopped)) or "none"
            raise DeclinedError(f"nobody stopped {', '.join(unknown)}", f"name what is stopped: {there}")
        for name in names:
            instance.update_instigator_state(_running(stopped[name]))
            click.echo(f"{name} runs again")


def _running(state: InstigatorState) -> InstigatorState:
    running, data = state.with_status(InstigatorStatus.RUNNING), state.instigator_data
    if isinstance(data, ScheduleInstigatorData):
        # As Dagster's UI does it: the moments before now are not its own.
        return running.with_data(ScheduleInstigatorData(data.cron_schedule, utc_now().timestamp()))
    return running
