"""R2 SQL: a read path to the Iceberg tables of a bucket, over HTTP.

What belongs here: asking, paging by key, finding out what the service can do, aggregating there or here. What does
not: how rows are aggregated here (aggregates.py), which tables and questions there are.

What the service can do has changed since it began (at first it had no aggregation), so it is asked, not assumed.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from resources.cloudflare import in_envelope
from resources.http import HttpError, Session, decoded
from resources.r2.aggregates import Accumulator, Measure, sorted_groups

API = "https://api.sql.cloudflarestorage.com/api/v1"
PAGE_ROWS = 10_000  # the highest LIMIT that the service takes; without LIMIT it returns 500 rows
NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")
# Of the 4xx, these say nothing about the SQL.
NOT_ABOUT_SQL = frozenset({401, 403, 404, 408, 425, 429})

Row = dict[str, Any]
Literal = str | int | float | bool | dt.datetime | dt.date


class R2SqlError(RuntimeError):
    """The service's rows cannot be right: a key that is not unique, NULL, or not in order."""


@dataclass(frozen=True)
class Abilities:
    """What the service can do, as found by asking it."""

    aggregates: bool


class R2Sql:
    """Reads the tables of one bucket. `session` carries the token (`resources.cloudflare.api_session`)."""

    def __init__(
        self, session: Session, account_id: str, bucket: str, *, api: str = API, page_rows: int = PAGE_ROWS
    ) -> None:
        if not 2 <= page_rows <= PAGE_ROWS:
            raise ValueError(f"R2 SQL: pages hold 2 to {PAGE_ROWS} rows, not {page_rows}")
        self._session = session
        self._url = f"{api}/accounts/{account_id}/r2-sql/query/{bucket}"
        self._bucket = bucket
        self._page_rows = page_rows
        self._classify = in_envelope()
        self._abilities: Abilities | None = None

    def __repr__(self) -> str:
        return f"R2Sql({self._bucket!r})"

    def query(self, sql: str) -> list[Row]:
        """The rows of one statement, at most 10,000; raises HttpError with the service's code and message."""
        answer = self._session.request(
            "POST", self._url, json={"query": sql}, idempotent=True, classify=self._classify, route="r2-sql"
        )
        result = decoded(answer)["result"]
        return list(result["rows"]) if result else []

    def probe(self, table: str) -> Abilities:
        """What the service can do, tried once on `table` and remembered; raises HttpError when it cannot even read."""
        if self._abilities is None:
            self.query(f"select * from {_name(table)} limit 1")
            try:
                self.query(f"select count(*) as n from {_name(table)} limit 1")
            except HttpError as error:
                if not _is_refusal(error):
                    raise
                self._abilities = Abilities(aggregates=False)
            else:
                self._abilities = Abilities(aggregates=True)
        return self._abilities

    def pages(self, table: str, columns: Sequence[str], key: Sequence[str], where: str = "") -> Iterator[list[Row]]:
        """All rows in pages, in the order of `key`, which must be unique and never NULL; no OFFSET is used.

        `where` is SQL; put values into it with `literal`. Each page begins with the last row of the one before, which
        shows whether the key is unique; that row is not given twice. Ends at an empty page, not at a short one: the
        service may return fewer rows than asked for.
        """
        wanted = list(dict.fromkeys([*columns, *key]))
        order = ", ".join(_quoted(column) for column in key)
        select = f"select {', '.join(_quoted(column) for column in wanted)} from {_name(table)}"
        given = [f"({where})"] if where else []
        # No comparison is true of NULL: after the first page such rows would be left out without a word.
        unplaced = " or ".join(f"{_quoted(column)} is null" for column in key)
        if self.query(f"select {order} from {_name(table)} where {' and '.join([*given, f'({unplaced})'])} limit 1"):
            raise R2SqlError(f"R2 SQL: {table}: a key column of {order} is NULL")
        last: tuple[Any, ...] | None = None
        while True:
            conditions = list(given)
            if last is not None:
                conditions.append(_at_or_after(key, last))
            filtered = f" where {' and '.join(conditions)}" if conditions else ""
            rows = self.query(f"{select}{filtered} order by {order} limit {self._page_rows}")
            found = [tuple(row[column] for column in key) for row in rows]
            if any(second <= first for first, second in pairwise(found)):
                raise R2SqlError(f"R2 SQL: {table}: {order} is not unique, or the rows are not in its order")
            if last is not None:
                if not found or found[0] != last:
                    raise R2SqlError(f"R2 SQL: {table}: the row that ended a page is gone; the table has changed")
                rows, found = rows[1:], found[1:]
            if not rows:
                return
            last = found[-1]
            yield [{column: row[column] for column in columns} for row in rows]

    def aggregate(
        self,
        table: str,
        measures: Mapping[str, Measure],
        *,
        group_by: Sequence[str] = (),
        key: Sequence[str],
        where: str = "",
    ) -> list[Row]:
        """The measures of each group, ordered by group (NULL last); without `group_by` exactly one row.

        Asks the service when it can; where it cannot (for any of this, or for so many groups) reads the raw rows in
        pages by `key` and aggregates here, with the same answer (sums of floats may differ in the last digits).
        """
        names = [*group_by, *(measure.column for measure in measures.values() if measure.column)]
        for name in [*names, *measures]:
            _name(name)
        if self.probe(table).aggregates:
            rows = self._aggregated_there(table, measures, group_by, where)
            if rows is not None:
                return sorted_groups(rows, group_by)
        accumulator = Accumulator(measures, group_by)
        for page in self.pages(table, list(dict.fromkeys(names)) or list(key), key, where):
            accumulator.add(page)
        return accumulator.rows()

    def _aggregated_there(
        self, table: str, measures: Mapping[str, Measure], group_by: Sequence[str], where: str
    ) -> list[Row] | None:
        groups = [_quoted(column) for column in group_by]
        selected = [*groups, *(f"{measure.sql()} as {_quoted(name)}" for name, measure in measures.items())]
        sql = f"select {', '.join(selected)} from {_name(table)}"
        sql += f" where {where}" if where else ""
        sql += f" group by {', '.join(groups)}" if groups else ""
        try:
            rows = self.query(f"{sql} limit {self._page_rows}")
        except HttpError as error:
            if _is_refusal(error):
                return None
            raise
        # A full page may not be all groups, and they have no unique key to page by that is never NULL.
        return rows if len(rows) < self._page_rows else None


def literal(value: Literal) -> str:
    """A value as SQL; times are UTC and become ISO 8601 text, which the service compares with timestamps."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        if value.tzinfo is None:
            raise ValueError("R2 SQL: a time without a time zone")
        return f"'{value.astimezone(dt.UTC).strftime('%Y-%m-%dT%H:%M:%S.%fZ')}'"
    if isinstance(value, int | float):
        return repr(value)
    text = value.isoformat() if isinstance(value, dt.date) else value
    return "'" + text.replace("'", "''") + "'"


def _at_or_after(key: Sequence[str], last: Sequence[Any]) -> str:
    """`key >= last` spelled out column by column, for the service knows no comparison of rows."""
    column, value = _quoted(key[0]), literal(last[0])
    if len(key) == 1:
        return f"{column} >= {value}"
    return f"({column} > {value} or ({column} = {value} and {_at_or_after(key[1:], last[1:])}))"


def _name(name: str) -> str:
    if not NAME.match(name):
        raise ValueError(f"R2 SQL: {name!r} is not a table's or column's name")
    return name


def _quoted(column: str) -> str:
    """A column's name that may be a keyword too (`timestamp`)."""
    return f'"{_name(column)}"'


def _is_refusal(error: HttpError) -> bool:
    return error.status is not None and error.status < 500 and error.status not in NOT_ABOUT_SQL
