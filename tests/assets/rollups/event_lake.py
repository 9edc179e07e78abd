"""Events, and the stores that they are rolled up from and into: what the tests of roll-ups and caches share."""

import itertools
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
import pyarrow as pa

from assets.apps import App
from assets.apps.clearlift import APP
from assets.compaction.rewrite import Compaction
from assets.events.record import FIELDS, NAMES, FieldKind
from assets.events.table import events_table
from assets.rollups.build import Built, RollUp
from assets.rollups.build_periods import PeriodRollUp
from assets.rollups.definition import CUTS, Grain
from assets.rollups.periods import Period
from assets.windows import DAY, HOUR, Window, midnight
from clearlift_pipelines.stores import Stores
from resources.lake import LakeTable, PartitionKey
from resources.postgres import Postgres
from tests.databases import empty

Event = Mapping[str, Any]
Rows = dict[str, list[tuple[Any, ...]]]

START = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
_POLARS = {
    FieldKind.STRING: pl.String(),
    FieldKind.INTEGER: pl.Int64(),
    FieldKind.NUMBER: pl.Float64(),
    FieldKind.BOOLEAN: pl.Boolean(),
    FieldKind.TIMESTAMP: pl.Datetime("us", "UTC"),
}
SCHEMA = {f.name: _POLARS[FieldKind(f.kind.value)] for f in FIELDS}
_REQUIRED: dict[str, Any] = {
    **{f.name: "" for f in FIELDS if f.required and f.kind.value == "string"},
    **{f.name: 0 for f in FIELDS if f.required and f.kind.value == "integer"},
    "consent_analytics": True,
}
_NUMBERS = itertools.count(1)


def event(**fields: Any) -> dict[str, Any]:
    """An event with all 51 fields: those given, plain values for the other required ones, null for the rest."""
    plain = {
        "org_tag": "a3f7c2",
        "timestamp": START,
        "session_id": "s",
        "anonymous_id": "v",
        "event_id": str(uuid.uuid4()),
        "event_type": "page_view",
    }
    return {**dict.fromkeys(NAMES), **_REQUIRED, **plain, **fields}


def frame(events: Iterable[Event]) -> pl.DataFrame:
    return pl.DataFrame([[e[name] for name in NAMES] for e in events], schema=SCHEMA, orient="row")


class EventLake:
    """An app's lake table, and the Postgres with the roll-ups of all apps. Its clock is at NOW unless it is moved."""

    def __init__(self, stores: Stores, app: App = APP) -> None:
        self.stores = stores
        self.app = app
        self.postgres: Postgres = stores.postgres
        self.now = NOW
        self.events: LakeTable = stores.lake.ensure(events_table(app))

    def clock(self) -> datetime:
        return self.now

    def clear(self) -> None:
        """An empty events table of another name, and empty roll-ups."""
        self.events = self.stores.lake.ensure(replace(events_table(self.app), name=f"events_{next(_NUMBERS)}"))
        empty(self.postgres, "rollups")

    def append(self, *events: Event) -> int | None:
        """Commit events as ingest does, a file a partition; the snapshot."""
        parts = frame(events).with_columns(day=pl.col("timestamp").dt.date())
        files = self.events.write(
            (PartitionKey(org, day), part.drop("day"))
            for (org, day), part in parts.partition_by("org_tag", "day", as_dict=True).items()
        )
        return self.events.append(files, str(uuid.uuid4())) if files else None

    def append_as_foreigner(self, *events: Event) -> None:
        """Commit events through pyiceberg's public interface, as a writer that knows nothing of us."""
        table = self.events.load()
        rows: pa.Table = frame(events).to_arrow().cast(table.schema().as_arrow())
        table.append(rows)

    def compact(self) -> int:
        """Merge small files; how many doubles that dropped."""
        return Compaction(self.events).run().doubles

    def roll_up(self, grain: Grain, start: datetime, end: datetime, org: str | None = None) -> Built:
        return RollUp(self.app, grain, self.events, self.postgres, self.clock).run(Window(start, end), org)

    def roll_up_days(self, first: date, days: int, org: str | None = None) -> None:
        """Every grain of some days, as far as it lies in them or they in it."""
        for grain in Grain:
            self.roll_up(grain, midnight(first), midnight(first) + days * DAY, org)
        for period in Period:
            self.roll_up_periods(period, midnight(first), midnight(first) + days * DAY, org)

    def roll_up_periods(self, period: Period, start: datetime, end: datetime, org: str | None = None) -> Built:
        """The whole weeks or months that [start, end) touches."""
        windows = list(period.covering(Window(start, end)))
        return PeriodRollUp(self.app, period, self.postgres, self.clock).run(
            Window(windows[0].start, windows[-1].end), org
        )

    def rows(self) -> Rows:
        """The app's rows of the hourly and daily tables, sorted: org_tag, window, dimensions, measures, sketches."""
        return {cut.table(grain): self.table(cut.table(grain)) for grain in Grain for cut in CUTS}

    def period_rows(self) -> Rows:
        """The same of the weekly and monthly tables."""
        return {cut.table(period): self.table(cut.table(period)) for period in Period for cut in CUTS}

    def table(self, name: str) -> list[tuple[Any, ...]]:
        """The app's rows of a table without the column `app`, sorted."""
        rows = self.postgres.fetch(f"select * from {name} where app = %(app)s", {"app": self.app.name})
        return sorted(tuple(_plain(value) for key, value in row.items() if key != "app") for row in rows)

    def windows(self) -> set[tuple[str, str, datetime]]:
        """The app's windows that were built, of any grain: grain, organisation or the empty string, start."""
        rows = self.postgres.fetch(
            "select grain, org_tag, window_start from rollups.windows where app = %(app)s and built_at is not null",
            {"app": self.app.name},
        )
        return {(r["grain"], r["org_tag"], r["window_start"]) for r in rows}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    return bytes(value) if isinstance(value, memoryview) else value


def at(day: int = 1, hour: int = 0, minute: int = 0) -> datetime:
    """A moment of March 2026, UTC."""
    return START + timedelta(days=day - 1, hours=hour, minutes=minute)


def hour_of(day: int, hour: int) -> Window:
    return Window(at(day, hour), at(day, hour) + HOUR)
