"""Half-open UTC windows: cutting ranges into days and hours, and joining neighbours. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@dataclass(frozen=True, order=True)
class Window:
    """The half-open range [start, end), both aware and in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.utcoffset() != timedelta(0) or self.end.utcoffset() != timedelta(0):
            raise ValueError(f"a window is in UTC, not {self.start.tzinfo} to {self.end.tzinfo}")
        if self.end < self.start:
            raise ValueError(f"a window ends after its start: {self.start} to {self.end}")

    def steps(self, step: timedelta) -> Iterator[datetime]:
        """Starts of the windows of length `step` that lie in this one."""
        at = self.start
        while at < self.end:
            yield at
            at += step

    def days(self) -> Iterator["Window"]:
        """This window cut at midnights."""
        start = self.start
        while start < self.end:
            end = min(midnight(start.date()) + DAY, self.end)
            yield Window(start, end)
            start = end

    def clipped(self, limit: "Window") -> "Window | None":
        """The part that lies in `limit`, if any does."""
        start, end = max(self.start, limit.start), min(self.end, limit.end)
        return Window(start, end) if start < end else None


def midnight(day: date) -> datetime:
    """The first instant of a UTC day."""
    return datetime.combine(day, time(), UTC)


def floor_hour(at: datetime) -> datetime:
    """The UTC hour that `at` falls in."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def hourly_key(at: datetime) -> str:
    """The partition key of the hour that `at` (UTC) falls in."""
    return f"{at:%Y-%m-%d-%H:00}"


def daily_key(day: date) -> str:
    """The partition key of a day, or of the week or month that begins with it."""
    return f"{day:%Y-%m-%d}"


def day_window(day: date) -> Window:
    return Window(midnight(day), midnight(day) + DAY)


def week_of(day: date) -> Window:
    """The ISO week, from Monday, that a UTC day lies in."""
    start = midnight(day - timedelta(days=day.weekday()))
    return Window(start, start + 7 * DAY)


def month_of(day: date) -> Window:
    """The calendar month that a UTC day lies in."""
    start = day.replace(day=1)
    return Window(midnight(start), midnight((start + timedelta(days=31)).replace(day=1)))


def touching(windows: Iterable[Window]) -> list[Window]:
    """Neighbours joined into one, in order; windows that do not meet stay apart."""
    found: list[Window] = []
    for window in sorted(windows):
        if found and window.start <= found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, window.end))
        else:
            found.append(window)
    return found


def joined(starts: Iterable[datetime], step: timedelta) -> list[Window]:
    """The fewest windows that cover exactly the steps starting at `starts`, in order."""
    return touching(Window(start, start + step) for start in set(starts))


def runs_of(windows: Iterable[Window]) -> list[list[Window]]:
    """Windows (in order) grouped by neighbours: within a group each one begins where the one before ends."""
    groups: list[list[Window]] = []
    for window in windows:
        if groups and groups[-1][-1].end == window.start:
            groups[-1].append(window)
        else:
            groups.append([window])
    return groups


def missing(
    windows: Sequence[Window],
    built: Mapping[datetime, datetime],
    settling: timedelta = timedelta(0),
    *,
    first: datetime | None = None,
) -> list[Window]:
    """Those of the windows (in order) that were not built since they were final: `settling` after their end.

    built: when each window was built last, by its start. first: when the first thing was made, by default the first of
    them; a window that ended before is not missing. The last window is always asked about.
    """
    first = first or min(built, default=windows[-1].start if windows else None)
    return [
        window
        for window in windows
        if first is not None
        and (window.end > first or window is windows[-1])
        and not (window.start in built and built[window.start] >= window.end + settling)
    ]
