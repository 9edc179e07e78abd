"""The hours of the events that an ingest stored, in the summary of its commit. Pure.

Who follows commits learns from it what a commit changed, and reads no data file: 2,000 files of a 5-minute set took
4,000 requests. What does not belong here: the commits of others, whose files are to be read.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

HOURS = "clearlift.hours"
# Every later commit writes the summaries of all kept ones again: 48 hours are half a kilobyte.
MOST = 48
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)


def summary(hours: Mapping[datetime, int]) -> dict[str, str]:
    """The property that says how many events of each UTC hour were stored; none where there are too many hours."""
    if len(hours) > MOST:
        return {}
    return {HOURS: " ".join(f"{(hour - _EPOCH) // _HOUR}:{rows}" for hour, rows in sorted(hours.items()))}


def of(properties: Mapping[str, str]) -> dict[datetime, int] | None:
    """The events by hour as a commit's summary says them; None where it does not."""
    if HOURS not in properties:
        return None
    pairs = (pair.split(":") for pair in properties[HOURS].split())
    return {_EPOCH + int(number) * _HOUR: int(rows) for number, rows in pairs}
