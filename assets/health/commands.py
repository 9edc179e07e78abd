"""The command that runs a job of the graph by hand, for findings about jobs. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

DAY_KEY, HOUR_KEY = "%Y-%m-%d", "%Y-%m-%d-%H:%M"


def job_command(job: str, apps: Sequence[str], first: str = "", last: str = "") -> str:
    """`clearlift job …` for a job by its full name, which begins with its app's. first, last: partition keys."""
    app = max((app for app in apps if job.startswith(f"{app}_")), key=len, default="")
    if not app or job == f"{app}_purge":
        return "clearlift purge"
    command = f"clearlift job {job.removeprefix(f'{app}_')} --app {app}"
    if not first:
        return command
    if first == last:
        return f"{command} --partition {first}"
    return f"{command} --from {_option(_start(first))} --to {_option(_start(last) + _step(last))}"


def _start(key: str) -> datetime:
    return datetime.strptime(key, DAY_KEY if _step(key).days else HOUR_KEY)  # noqa: DTZ007 (keys are in UTC)


def _step(key: str) -> timedelta:
    return timedelta(days=1) if len(key) == len("2026-01-01") else timedelta(hours=1)


def _option(at: datetime) -> str:
    return f"{at:%Y-%m-%d}" if at.hour == 0 else f"{at:%Y-%m-%dT%H}"
