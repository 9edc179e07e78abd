"""Folding: months older than a year move into their year, without loss, while the application continues to write.

A month is first marked as folding. From then on triggers write its changes to the year too. These rows lie outside of
the year's window, so nothing reads them yet. The month's rows are copied page by page, and compared page by page, each
page in one transaction. The last transaction counts the rows, changes registry and view, and drops the month's table.
After a kill the next run continues from the state in the registry. Of two runs at once the second finds the work done.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from string import Template

from assets.apps import App, Series
from assets.progress import Progress, silent
from assets.rooms import Rooms
from assets.series import registry
from assets.series.checksum import EMPTY, added, checksum
from assets.series.layout import Fold, PartitionRegistry, aged, next_fold, within
from assets.windows import Window
from resources.d1 import D1, D1Error, Statement
from resources.d1.pace import Pace
from resources.d1.ranges import Key, between, ranges
from resources.d1.times import stamp
from resources.declined import DeclinedError
from resources.migrations.d1 import split
from resources.sql_files import read_sql

PAGE = 2_000


class FoldError(DeclinedError):
    """A month and its copy in the year differ; nothing was dropped. The sentence names both, and no key of a row."""


@dataclass(frozen=True)
class Folded:
    """A month that was folded: its name, the name of the year, the number of its rows and their checksum."""

    month: str
    year: str
    rows: int
    checksum: str


@dataclass
class Folding:
    """The engine, for one series."""

    d1: D1
    series: Series
    clock: Callable[[], datetime]
    pace: Pace
    page: int = PAGE
    progress: Progress = silent

    def run(self) -> list[Folded]:
        """Fold every month that is older than a year; returns those that this call folded.

        Raises:
            FoldError: a copy differs, most likely because the year has a row with the same key at another time.
        """
        done: list[Folded] = []
        expected = self._waiting()
        while (fold := next_fold(self._registry(), self.clock())) is not None:
            try:
                self._begin(fold)
                self._copy(fold)
                rows, total = self._compare(fold, sum(month.rows for month in done), expected)
                done.append(self._switch(fold, rows, total))
            except registry.RegistryChangedError:
                continue
            except D1Error:
                if not self._gone(fold):
                    raise
        return done

    def _registry(self) -> PartitionRegistry:
        return registry.load(self.d1, self.series)

    def _gone(self, fold: Fold) -> bool:
        """Whether another process has folded the month."""
        current = self._registry().named(fold.month.name)
        return current is None or not current.stands

    def _begin(self, fold: Fold) -> None:
        current = self._registry()
        month = current.named(fold.month.name)
        if month is None or month.state != "live":
            return
        after = [p for p in current.partitions if p.name not in (fold.month.name, fold.year.name)]
        registry.change(
            self.d1,
            current,
            [*after, replace(month, state="folding", copied_to=None), fold.year],
            [*registry.table(self.series, fold.year), *self._mirrors(fold)],
            stamp(self.clock()),
        )

    def _mirrors(self, fold: Fold) -> list[Statement]:
        columns = self.series.columns
        script = Template(read_sql("series/mirror.sql")).substitute(
            month=fold.month.name,
            year=fold.year.name,
            columns=", ".join(columns),
            values=", ".join(f"new.{name}" for name in columns),
            is_new=" and ".join(f"{name} = new.{name}" for name in self.series.key),
            is_old=" and ".join(f"{name} = old.{name}" for name in self.series.key),
            in_month=within(self.series, fold.month.window),
        )
        return [Statement(text) for text in split(script)]

    def _copy(self, fold: Fold) -> None:
        """Copy, page by page, the rows after the key that the registry holds."""
        current = self._registry().named(fold.month.name)
        after: Key | None = json.loads(current.copied_to) if current is not None and current.copied_to else None
        keys, series = ", ".join(self.series.key), self.series
        updates = ", ".join(f"{name} = excluded.{name}" for name in series.columns if name not in series.key)
        for lower, upper in self._pages(fold, after):
            condition, params = self._between(lower, upper)
            copy = (
                f"insert into {fold.year.name} ({', '.join(series.columns)}) "
                f"select {', '.join(series.columns)} from {fold.month.name} where {condition} "
                f"on conflict ({keys}) do update set {updates} where {within(series, fold.month.window)}"
            )
            copied_to = json.dumps(upper, ensure_ascii=False)
            batch = [
                Statement(copy, params),
                Statement(read_sql("series/copied.sql"), [fold.month.name, copied_to]),
            ]
            self.pace.step(lambda batch=batch: self.d1.batch(batch, idempotent=True))  # type: ignore[misc]

    def _waiting(self) -> int:
        """How many rows the months have that are to be folded."""
        months = aged(self._registry(), self.clock())
        if not months:
            return 0
        window = Window(months[0].window.start, months[-1].window.end)
        rows = self.d1.query(f"select count(*) as n from {self.series.name} where {within(self.series, window)}")
        return int(rows[0]["n"])

    def _compare(self, fold: Fold, before: int, expected: int) -> tuple[int, str]:
        """Compare the month with its copy, page by page; returns the number of rows and their checksum.

        A page that was equal stays equal, because the triggers write to both tables.
        """
        rows, total = 0, EMPTY
        last: Key | None = None
        for lower, upper in self._pages(fold, None):
            rows, total = self._compared(fold, lower, upper, rows, total)
            self.progress(before + rows, max(before + rows, expected))
            last = upper
        return self._compared(fold, last, None, rows, total)

    def _compared(self, fold: Fold, lower: Key | None, upper: Key | None, rows: int, total: str) -> tuple[int, str]:
        condition, params = self._between(lower, upper)
        columns, in_month = ", ".join(self.series.columns), within(self.series, fold.month.window)
        month, year = self.pace.step(
            lambda: self.d1.batch(
                [
                    Statement(f"select {columns} from {fold.month.name} where {condition}", params),
                    Statement(f"select {columns} from {fold.year.name} where {condition} and {in_month}", params),
                ],
                idempotent=True,
            )
        )
        sums = [checksum([row[name] for name in self.series.columns] for row in side.rows) for side in (month, year)]
        if sums[0] != sums[1]:
            # The next run copies the month from its start, so that it can fold once the cause is removed.
            self.d1.execute(read_sql("series/copied.sql"), [fold.month.name, None], idempotent=True)
            raise self._refusal(fold)
        return rows + len(month.rows), added(total, sums[0])

    def _refusal(self, fold: Fold) -> FoldError:
        clashing = Template(read_sql("series/clashing.sql")).substitute(
            month=fold.month.name,
            year=fold.year.name,
            same_key=" and ".join(f"month.{name} = year.{name}" for name in self.series.key),
            in_month=within(self.series, fold.month.window),
        )
        (row,) = self.d1.query(clashing)
        if row["n"]:
            return FoldError(
                f"{fold.month.name} cannot be folded: {row['n']} of its keys are in {fold.year.name} at another time, "
                "where a key has one row; nothing was dropped",
                "docs/runbooks/stuck-fold.md shows the rows; delete or rename one of each pair, then "
                "`clearlift job partitions`",
            )
        return FoldError(
            f"{fold.month.name} and its copy in {fold.year.name} differ, and their keys do not clash; nothing was "
            "dropped",
            "`clearlift job partitions`, which copies the month from its start",
        )

    def _switch(self, fold: Fold, rows: int, total: str) -> Folded:
        current = self._registry()
        year = current.named(fold.year.name) or fold.year
        after = [p for p in current.partitions if p.name not in (fold.month.name, fold.year.name)]
        folded = replace(fold.month, state="folded", row_count=rows, checksum=total, copied_to=None)
        grown = replace(
            Fold(fold.month, year).folded,
            row_count=(year.row_count or 0) + rows,
            checksum=added(year.checksum or EMPTY, total),
        )
        registry.change(
            self.d1,
            current,
            [*after, folded, grown],
            [
                # Runs before the drop, in the same transaction: it fails when the copy lacks a row.
                Statement(
                    Template(read_sql("series/counted.sql")).substitute(
                        month=fold.month.name,
                        year=fold.year.name,
                        in_month=within(self.series, fold.month.window),
                    ),
                    [fold.month.name],
                ),
                Statement(f"drop table {fold.month.name}"),
            ],
            stamp(self.clock()),
        )
        return Folded(fold.month.name, fold.year.name, rows, total)

    def _pages(self, fold: Fold, after: Key | None) -> Iterator[tuple[Key | None, Key]]:
        return ranges(self.d1.query, fold.month.name, self.series.key, self.page, after)

    def _between(self, lower: Key | None, upper: Key | None) -> tuple[str, Key]:
        return between(self.series.key, lower, upper)


def of(rooms: Rooms, app: App, series: Series) -> Folding:
    """The engine over an app's D1."""
    return Folding(rooms.d1(app), series, rooms.clock, Pace(), progress=rooms.progress(f"{series.name} folded"))
