"""The option `--at` of a restore: a time in UTC, or a position of a store's own log.

What does not belong here: whether a backup reaches it.
"""

import re
from datetime import UTC, datetime
from typing import Any

import click

from clearlift_pipelines.stores import utc_now

# A log id; a place in the log of Postgres; a snapshot of Postgres; one of each table of a lake.
POSITION = re.compile(r"\d+|[0-9A-F]+/[0-9A-F]+|\d+:\d+:[\d,]*|[\w.]+@\d*(,[\w.]+@\d*)*")


class At(click.ParamType[datetime | str]):
    """A time such as `2026-11-29T13:05:00`, in UTC where it names no zone; or a position as `backup list` shows it."""

    name = "TIME|POSITION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime | str:
        """The time or position of a text."""
        if isinstance(value, datetime):
            return value
        text = str(value)
        if POSITION.fullmatch(text):
            return text
        try:
            found = datetime.fromisoformat(text)
        except ValueError:
            self.fail(f"{text!r} is neither a time such as 2026-11-29T13:05:00 nor a position", param, ctx)
        found = found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
        if found > utc_now():
            self.fail(f"{text} lies in the future", param, ctx)
        return found
