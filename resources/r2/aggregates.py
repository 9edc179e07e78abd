"""Aggregation of rows here, with the results of SQL, for a service that cannot aggregate.

What belongs here: count, sum, min and max over pages of rows, with SQL's rules for NULL. What does not: reading the
pages. polars is imported at the first use, because a command that aggregates nothing starts without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True)
class Measure:
    """One aggregate. `count` counts rows without a column, and values that are not NULL with one."""

    function: Literal["count", "sum", "min", "max"]
    column: str | None = None

    def __post_init__(self) -> None:
        if self.column is None and self.function != "count":
            raise ValueError(f"measure {self.function}: a column is needed")

    def sql(self) -> str:
        """The aggregate in SQL."""
        return f'{self.function}("{self.column}")' if self.column else "count(*)"

    def over(self, column: str | None) -> "pl.Expr":
        """The aggregate over a polars column, or over rows for None."""
        import polars as pl

        if column is None:
            return pl.len().cast(pl.Int64)
        values = pl.col(column)
        if self.function == "count":
            return values.count().cast(pl.Int64)
        if self.function == "sum":
            # The sum of no values is 0 in polars and NULL in SQL.
            return pl.when(values.count() > 0).then(values.sum())
        return values.min() if self.function == "min" else values.max()

    def again(self, name: str) -> "pl.Expr":
        """The aggregate over its partial values in column `name`."""
        import polars as pl

        return pl.col(name).sum() if self.function == "count" else self.over(name)


class Accumulator:
    """Measures by group over any number of pages. Only one row a group is in memory."""

    def __init__(self, measures: Mapping[str, Measure], group_by: Sequence[str] = ()) -> None:
        self._measures = measures
        self._group_by = list(group_by)
        self._state: pl.DataFrame | None = None

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add one page."""
        import polars as pl
        import polars.selectors as cs

        if not rows:
            return
        # Sums of 64-bit integers may need more bits, and polars would wrap around.
        page = pl.DataFrame(rows, infer_schema_length=None).with_columns(cs.integer().cast(pl.Int128))
        part = self._grouped(page, [m.over(m.column).alias(name) for name, m in self._measures.items()])
        if self._state is not None:
            both = pl.concat([self._state, part], how="vertical_relaxed")
            part = self._grouped(both, [m.again(name).alias(name) for name, m in self._measures.items()])
        self._state = part

    def rows(self) -> list[dict[str, Any]]:
        """The groups in their order. Without grouping one row, even without a page."""
        if self._state is not None:
            return sorted_groups(self._state.to_dicts(), self._group_by)
        if self._group_by:
            return []
        return [{name: 0 if measure.function == "count" else None for name, measure in self._measures.items()}]

    def _grouped(self, frame: "pl.DataFrame", measures: "list[pl.Expr]") -> "pl.DataFrame":
        return frame.group_by(self._group_by).agg(measures) if self._group_by else frame.select(measures)


def sorted_groups(rows: Sequence[dict[str, Any]], group_by: Sequence[str]) -> list[dict[str, Any]]:
    """Rows in the order of their groups, NULL last."""
    return sorted(rows, key=lambda row: [(row[name] is None, row[name]) for name in group_by])
