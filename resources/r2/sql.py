"""R2 SQL: a read path to the Iceberg tables of a bucket, over HTTP.

What belongs here: queries, paging by key, finding out what the service can do, aggregation there or here. What does
not: how rows are aggregated here (aggregates.py), the tables and the queries.

The service has changed (at first it could not aggregate), so a query finds out what it can do.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from resources.cloudflare import in_envelope
from resources.http import HttpError, Session
from resources.r2.aggregates import Accumulator, Measure, sorted_groups
from resources.verdicts import decoded

API = "https://api.sql.cloudflarestorage.com/api/v1"
PAGE_ROWS = 10_000  # the highest LIMIT of the service; without LIMIT it returns 500 rows
NAME = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$")
# Of the 4xx, these say nothing about the SQL.
NOT_ABOUT_SQL = frozenset({401, 403, 404, 408, 425, 429})

Row = dict[str, Any]
Literal = str | int | float | bool | dt.datetime | dt.date


class R2SqlError(RuntimeError):
    """The rows of the service cannot be right: a key repeats, is NULL, or is not in order."""


@dataclass(frozen=True)
class Abilities:
    """What the service can do."""

    aggregates: bool


class R2Sql:
    """Reads the tables of one bucket. `session` holds the token (`resources.cloudflare.api_session`)."""

    def __init__(
        self, session: Session, account_id: str, bucket: str, *, api: str = API, page_rows: int = PAGE_ROWS
    ) -> None:
        if not 2 <= page_rows <= PAGE_ROWS:
            raise ValueError(f"R2 SQL: a page has 2 to {PAGE_ROWS} rows, not {page_rows}")
        self._session = session
        self._url = f"{api}/accounts/{account_id}/r2-sql/query/{bucket}"
        self._bucket = bucket
        self._page_rows = page_rows
        self._classify = in_envelope()
        self._abilities: Abilities | None = None

    def __repr__(self) -> str:
        return f"R2Sql({self._bucket!r})"

    def query(self, sql: str) -> list[Row]:
        """The rows of one statement, at most 10,000; an HttpError has the service's code and message."""
        answer = self._session.request(
            "POST", self._url, json={"query": sql}, idempotent=True, classify=self._classify, route="r2-sql"
        )
        result = decoded(answer)["result"]
        return list(result["rows"]) if result else []

    def probe(self, table: str) -> Abilities:
        """What the service can do, found out once with `table`; an HttpError if it cannot even read."""
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
        """All rows in pages, in the order of `key`, which must be unique and never NULL; without OFFSET.

        `where` is SQL; write values in it with `literal`. Each page is read from the last row of the page before, which
        shows whether the key is unique; that row is not returned twice. Only an empty page is the end, because the
        service may return fewer rows than the limit.
        """
        selected = list(dict.fromkeys([*columns, *key]))
        order = ", ".join(_quoted(column) for column in key)
        select = f"select {', '.join(_quoted(column) for column in selected)} from {_name(table)}"
        filters = [f"({where})"] if where else []
        # No comparison is true for NULL, so such rows would be missing after the first page without an error.
        null_keys = " or ".join(f"{_quoted(column)} is null" for column in key)
        if self.query(f"select {order} from {_name(table)} where {' and '.join([*filters, f'({null_keys})'])} limit 1"):
            raise R2SqlError(f"R2 SQL: {table}: a key column of {order} is NULL")
        last: tuple[Any, ...] | None = None
        while True:
            conditions = list(filters)
            if last is not None:
                conditions.append(_at_or_after(key, last))
            filtered = f" where {' and '.join(conditions)}" if conditions else ""
            rows = self.query(f"{select}{filtered} order by {order} limit {self._page_rows}")
            keys = [tuple(row[column] for column in key) for row in rows]
            if any(second <= first for first, second in pairwise(keys)):
                raise R2SqlError(f"R2 SQL: {table}: {order} is not unique, or the rows are not in its order")
            if last is not None:
                if not keys or keys[0] != last:
                    raise R2SqlError(f"R2 SQL: {table}: the row that ended a page is gone; the table has changed")
                rows, keys = rows[1:], keys[1:]
            if not rows:
                return
            last = keys[-1]
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

        The service aggregates if it can. If it cannot, or there are too many groups, the rows are read in pages by
        `key` and aggregated here, with the same result (sums of floats may differ in the last digits).
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
        # A full page may lack groups, and groups have no key without NULL to read a next page by.
        return rows if len(rows) < self._page_rows else None


def literal(value: Literal) -> str:
    """A value as SQL. A time becomes ISO 8601 text in UTC, which the service compares with timestamps."""
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
    """`key >= last` column by column, because the service cannot compare rows."""
    column, value = _quoted(key[0]), literal(last[0])
    if len(key) == 1:
        return f"{column} >= {value}"
    return f"({column} > {value} or ({column} = {value} and {_at_or_after(key[1:], last[1:])}))"


def _name(name: str) -> str:
    if not NAME.match(name):
        raise ValueError(f"R2 SQL: {name!r} is not a table's or column's name")
    return name


def _quoted(column: str) -> str:
    """A column's name in quotes, because it may be a keyword (`timestamp`)."""
    return f'"{_name(column)}"'


def _is_refusal(error: HttpError) -> bool:
    return error.status is not None and error.status < 500 and error.status not in NOT_ABOUT_SQL
