"""Times as D1 columns hold them: ISO 8601 texts in UTC with milliseconds, which sort by time. Pure.

Modules that only decide may import it, because it opens no store and reads no clock.
"""

from datetime import UTC, datetime, timedelta


def stamp(at: datetime) -> str:
    """`2026-11-20T15:00:00.000Z`. Rounded up to milliseconds, because rows that are compared with it have no finer."""
    up = at.astimezone(UTC) + timedelta(microseconds=-at.microsecond % 1_000)
    return up.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """The time that `stamp` wrote."""
    return datetime.fromisoformat(text)
