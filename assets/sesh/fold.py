"""Folding: months older than a year move into their year, without loss, while the application goes on writing.

A month is marked as folding, and from then on triggers write its changes to the year too, where they lie outside of the
year's window and are nobody's yet. Its rows are copied a page at a time, compared page by page within one transaction
each, and counted and switched in one: registry, view, and the month's table goes. Killed anywhere, the next run goes on
from what the registry says; of two at once the second finds the work done.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from string import Template

from assets.progress import Progress, silent
from assets.sesh import registry
from assets.sesh.checksum import EMPTY, added, checksum
from assets.sesh.families import Family
from assets.sesh.layout import Fold, Registry, aged, next_fold, within
from assets.windows import Window
from resources.d1 import D1, D1Error, Statement
from resources.d1.pace import Pace
from resources.d1.ranges import Key, between, ranges
from resources.d1.times import stamp
from resources.migrations.d1 import split
from resources.sql_files import read_sql

PAGE = 2_000


class FoldError(RuntimeError):
    """A month and its copy in the year are not the same; nothing was dropped. The message names both."""


@dataclass(frozen=True)
class Folded:
    """A month that was folded: its name, the year's, and its rows with their checksum."""

    month: str
    year: str
    rows: int
    checksum: str


@dataclass
class Folding:
    """The engine, of one family."""

    d1: D1
    family: Family
    clock: Callable[[], datetime]
    pace: Pace
    page: int = PAGE
    progress: Progress = silent

    def run(self) -> list[Folded]:
        """Fold every month that is older than a year; those that this call folded.

        Raises:
            FoldError: a copy differs, as where the year has a row of the same key at another time.
        """
        done: list[Folded] = []
        expected = self._waiting()
        while (fold := next_fold(self._registry(), self.clock())) is not None:
            try:
                self._begin(fold)
                self._copy(fold)
                rows, total = self._compare(fold, sum(each.rows for each in done), expected)
                done.append(self._switch(fold, rows, total))
            except registry.ChangedMeanwhileError:
                continue
            except D1Error:
                if not self._gone(fold):
                    raise
        return done

    def _registry(self) -> Registry:
        return registry.load(self.d1, self.family)

    def _gone(self, fold: Fold) -> bool:
        """Whether another process folded the month meanwhile."""
        found = self._registry().named(fold.month.name)
        return found is None or not found.stands

    def _begin(self, fold: Fold) -> None:
        found = self._registry()
        month = found.named(fold.month.name)
        if month is None or month.state != "live":
            return
        after = [p for p in found.partitions if p.name not in (fold.month.name, fold.year.name)]
        registry.change(
            self.d1,
            found,
            [*after, replace(month, state="folding", copied_to=None), fold.year],
            [*registry.table(self.family, fold.year), *self._mirrors(fold)],
            stamp(self.clock()),
        )

    def _mirrors(self, fold: Fold) -> list[Statement]:
        columns = self.family.columns
        script = Template(read_sql("sesh/partitions/mirror.sql")).substitute(
            month=fold.month.name,
            year=fold.year.name,
            columns=", ".join(columns),
            values=", ".join(f"new.{name}" for name in columns),
            is_new=" and ".join(f"{name} = new.{name}" for name in self.family.key),
            is_old=" and ".join(f"{name} = old.{name}" for name in self.family.key),
            in_month=within(self.family, fold.month.window),
        )
        return [Statement(text) for text in split(script)]

    def _copy(self, fold: Fold) -> None:
        """Copy what is behind the place that the registry keeps, page by page."""
        found = self._registry().named(fold.month.name)
        after: Key | None = json.loads(found.copied_to) if found is not None and found.copied_to else None
        keys, family = ", ".join(self.family.key), self.family
        updates = ", ".join(f"{name} = excluded.{name}" for name in family.columns if name not in family.key)
        for lower, upper in self._pages(fold, after):
            condition, params = self._between(lower, upper)
            copy = (
                f"insert into {fold.year.name} ({', '.join(family.columns)}) "
                f"select {', '.join(family.columns)} from {fold.month.name} where {condition} "
                f"on conflict ({keys}) do update set {updates} where {within(family, fold.month.window)}"
            )
            place = json.dumps(upper, ensure_ascii=False)
            batch = [
                Statement(copy, params),
                Statement(read_sql("sesh/partitions/copied.sql"), [fold.month.name, place]),
            ]
            self.pace.step(lambda batch=batch: self.d1.batch(batch, idempotent=True))  # type: ignore[misc]

    def _waiting(self) -> int:
        """The rows of the months that are to be folded."""
        months = aged(self._registry(), self.clock())
        if not months:
            return 0
        window = Window(months[0].window.start, months[-1].window.end)
        rows = self.d1.query(f"select count(*) as n from {self.family.name} where {within(self.family, window)}")
        return int(rows[0]["n"])

    def _compare(self, fold: Fold, before: int, expected: int) -> tuple[int, str]:
        """Compare the month with its copy, page by page; its rows and their checksum.

        What was found equal stays so: the triggers write to both.
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
        columns, in_month = ", ".join(self.family.columns), within(self.family, fold.month.window)
        month, year = self.pace.step(
            lambda: self.d1.batch(
                [
                    Statement(f"select {columns} from {fold.month.name} where {condition}", params),
                    Statement(f"select {columns} from {fold.year.name} where {condition} and {in_month}", params),
                ],
                idempotent=True,
            )
        )
        sums = [checksum([row[name] for name in self.family.columns] for row in side.rows) for side in (month, year)]
        if sums[0] != sums[1]:
            # The next run copies the month from its start: once the cause is gone, it folds.
            self.d1.execute(read_sql("sesh/partitions/copied.sql"), [fold.month.name, None], idempotent=True)
            raise FoldError(
                f"{fold.month.name} and its copy in {fold.year.name} differ: {len(month.rows)} and {len(year.rows)} "
                "rows on one page. Is there a row of the same key at another time of the year?"
            )
        return rows + len(month.rows), added(total, sums[0])

    def _switch(self, fold: Fold, rows: int, total: str) -> Folded:
        found = self._registry()
        year = found.named(fold.year.name) or fold.year
        after = [p for p in found.partitions if p.name not in (fold.month.name, fold.year.name)]
        folded = replace(fold.month, state="folded", row_count=rows, checksum=total, copied_to=None)
        grown = replace(
            Fold(fold.month, year).folded,
            row_count=(year.row_count or 0) + rows,
            checksum=added(year.checksum or EMPTY, total),
        )
        registry.change(
            self.d1,
            found,
            [*after, folded, grown],
            [
                # In one transaction with the drop: NULL, which the registry refuses, where the copy has not every row.
                Statement(
                    Template(read_sql("sesh/partitions/counted.sql")).substitute(
                        month=fold.month.name,
                        year=fold.year.name,
                        in_month=within(self.family, fold.month.window),
                    ),
                    [fold.month.name],
                ),
                Statement(f"drop table {fold.month.name}"),
            ],
            stamp(self.clock()),
        )
        return Folded(fold.month.name, fold.year.name, rows, total)

    def _pages(self, fold: Fold, after: Key | None) -> Iterator[tuple[Key | None, Key]]:
        return ranges(self.d1.query, fold.month.name, self.family.key, self.page, after)

    def _between(self, lower: Key | None, upper: Key | None) -> tuple[str, Key]:
        return between(self.family.key, lower, upper)
