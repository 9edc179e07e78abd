"""The partitions of the graph: hours to quarters in UTC from a configured start; all but quarters in progress too."""

from dataclasses import dataclass
from datetime import UTC, date

from dagster import (
    AssetExecutionContext,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    MonthlyPartitionsDefinition,
    TimeWindowPartitionsDefinition,
    WeeklyPartitionsDefinition,
)

from assets.windows import Window, month_of, week_of

YEARS_BEFORE = 3


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

    @property
    def quarterly(self) -> TimeWindowPartitionsDefinition:
        """Calendar quarters, by their first days; also of the years before, whose rows are archived too."""
        first = self.start.replace(
            year=self.start.year - YEARS_BEFORE, month=(self.start.month - 1) // 3 * 3 + 1, day=1
        )
        return TimeWindowPartitionsDefinition(
            start=f"{first:%Y-%m-%d}", fmt="%Y-%m-%d", cron_schedule="0 0 1 1,4,7,10 *", timezone="UTC"
        )


def window(context: AssetExecutionContext) -> Window:
    """The window that a run is for: one partition, or a range of them as one run."""
    start, end = context.partition_time_window
    return Window(start.astimezone(UTC), end.astimezone(UTC))
