"""What runs by itself, for a reader: the tables of docs/schedules.md, made from what the rooms bring.

`python -m clearlift_pipelines.schedule_reference` writes them in the folder where it is run. What belongs here: these
tables. What does not: when something runs (assets/*/capability.py).
"""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

import click

from assets.capability import AfterGap, Capability
from assets.health import sensors
from assets.page import assets as page
from clearlift_pipelines import purge_job
from clearlift_pipelines.definitions import brought
from clearlift_pipelines.page_part import replaced
from clearlift_pipelines.settings import Settings
from clearlift_pipelines.stores import Stores

BEGIN, END = "<!-- schedules -->", "<!-- /schedules -->"
PAGE = Path("docs/schedules.md")
ITSELF = "nothing: does it itself, without a run"


def tables() -> str:
    """The schedules and the sensors in Markdown."""
    return "\n\n".join(
        (
            _table(("schedule", "when, UTC", "job", "after downtime it", "longest run"), _schedules()),
            _table(("sensor", "looks every", "asks for"), _sensors()),
        )
    )


def in_page(text: str) -> str:
    """The page with the tables of today between its markers.

    Raises:
        ValueError: the markers are missing.
    """
    return replaced(text, str(PAGE), BEGIN, END, tables())


def _brought() -> Iterator[tuple[str, Capability, dict[str, timedelta]]]:
    chosen = Settings(_env_file=None)  # type: ignore[call-arg]  # of pydantic-settings, not a field
    for app, capabilities in brought(Stores(chosen)):
        longest = {job.name: job.longest for capability in capabilities for job in capability.jobs}
        for capability in capabilities:
            yield app.name, capability, longest


def _schedules() -> Iterator[tuple[str, ...]]:
    for app, capability, longest in _brought():
        for tick in capability.ticks:
            yield (
                f"`{app}_{tick.name}`",
                f"`{tick.cron}`",
                f"`{app}_{tick.job}`",
                tick.after_gap.value,
                _time(longest[tick.job]),
            )
    cron, name = f"`{purge_job.CRON}`", f"`{purge_job.NAME}`"
    yield name, cron, name, AfterGap.LATEST.value, _time(purge_job.LONGEST)


def _sensors() -> Iterator[tuple[str, ...]]:
    for app, capability, _ in _brought():
        for watch in capability.watches:
            jobs = ", ".join(f"`{app}_{job}`" for job in watch.jobs)
            yield f"`{app}_{watch.name}`", f"{watch.seconds} s", jobs or ITSELF
    yield f"`{sensors.LOOK_NAME}`", f"{sensors.LOOKS_EVERY} s", ITSELF
    yield f"`{sensors.TELL_NAME}`", f"{sensors.TELLS_EVERY} s", ITSELF
    yield f"`{page.NAME}`", f"{page.EVERY} s", ITSELF


def _table(headings: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [headings, ("---",) * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _time(longest: timedelta) -> str:
    hours, minutes = divmod(int(longest.total_seconds()) // 60, 60)
    return f"{hours} h" if hours else f"{minutes} min"


if __name__ == "__main__":
    PAGE.write_text(in_page(PAGE.read_text()))
    click.echo(f"{PAGE} has the schedules and sensors of today.")
