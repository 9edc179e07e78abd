"""The partitions of the graph: hours, days, weeks, months in UTC from a configured start, those in progress too."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from dagster import (
    AssetExecutionContext,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

from assets.windows import Window, month_of, week_of


@dataclass(frozen=True)
class Calendar:
    """Partitions definitions that share one start; weeks and months begin with the ones that it lies in."""

    start: date

    @property
    def hourly(self) -> TimeWindowPartitionsDefinition:
        return HourlyPartitionsDefinition(start_date=f"{self.start:%Y-%m-%d}-00:00", timezone="UTC", end_offset=1)

    @property
    def daily(self) -> TimeWindowPartitionsDefinition:
        return DailyPartitionsDefinition(start_date=f"{self.start:%Y-%m-%d}", timezone="UTC", end_offset=1)

    @property
    def weekly(self) -> TimeWindowPartitionsDefinition:
        """ISO weeks, by their Mondays."""
        first = week_of(self.start).start
        return WeeklyPartitionsDefinition(start_date=f"{first:%Y-%m-%d}", timezone="UTC", day_offset=1, end_offset=1)

    @property
    def monthly(self) -> TimeWindowPartitionsDefinition:
        """Calendar months, by their first days."""
        first = month_of(self.start).start
        return MonthlyPartitionsDefinition(start_date=f"{first:%Y-%m-%d}", timezone="UTC", end_offset=1)


def window(context: AssetExecutionContext) -> Window:
    """The window that a run is for: one partition, or a range of them as one run."""
    start, end = context.partition_time_window
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def hourly_key(at: datetime) -> str:
    """The partition key of the hour that `at` (UTC) falls in."""
    return f"{at:%Y-%m-%d-%H:00}"


def daily_key(day: date) -> str:
    """The partition key of a day, or of the week or month that begins with it."""
    return f"{day:%Y-%m-%d}"
