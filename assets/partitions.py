"""The partitions of the graph: hours and days in UTC from a configured start, the one in progress included."""

from dataclasses import dataclass
from datetime import UTC, date, datetime

from dagster import (
    AssetExecutionContext,
    DailyPartitionsDefinition,
    HourlyPartitionsDefinition,
    TimeWindowPartitionsDefinition,
)

from assets.windows import Window


@dataclass(frozen=True)
class Calendar:
    """Partitions definitions that share one start."""

    start: date

    @property
    def hourly(self) -> TimeWindowPartitionsDefinition:
        return HourlyPartitionsDefinition(start_date=f"{self.start:%Y-%m-%d}-00:00", timezone="UTC", end_offset=1)

    @property
    def daily(self) -> TimeWindowPartitionsDefinition:
        return DailyPartitionsDefinition(start_date=f"{self.start:%Y-%m-%d}", timezone="UTC", end_offset=1)


def window(context: AssetExecutionContext) -> Window:
    """The window that a run is for: one partition, or a range of them as one run."""
    start, end = context.partition_time_window
    return Window(start.astimezone(UTC), end.astimezone(UTC))


def hourly_key(at: datetime) -> str:
    """The partition key of the hour that `at` (UTC) falls in."""
    return f"{at:%Y-%m-%d-%H:00}"


def daily_key(day: date) -> str:
    return f"{day:%Y-%m-%d}"
