"""The real room of D1: Cloudflare's HTTP API, or its local runtime with the same paths.

A statement that only reads, or that its caller calls idempotent, is sent again when it is unknown whether it ran. Any
other is sent again only when it did not run for certain (429, no connection).
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO

from resources.cloudflare import API, account_url, in_envelope
from resources.d1 import wire
from resources.d1.database import D1Error, Param, Result, Row, Statement, as_rows
from resources.d1.export import export
from resources.d1.placeholders import scan
from resources.d1.protocol import D1
from resources.http import HttpError, Session
from resources.meter import D1_ROWS_READ, D1_ROWS_WRITTEN, Count, nobody
from resources.verdicts import Answer, Verdict, decoded

TIME_TRAVEL = timedelta(days=30)
"""Documented for the paid plan; on the free one it is 7 days."""
SQL_CODES = range(7400, 7600)
TRANSIENT_MESSAGES = ("network connection lost", "object to be reset", "overloaded", "storage caused", "not responding")


def _judge(code: int, message: str) -> Verdict | None:
    """SQL that failed is fatal with any HTTP status; the documented temporary errors are retried."""
    lowered = message.lower()
    if any(text in lowered for text in TRANSIENT_MESSAGES):
        return Verdict(Answer.RETRY)
    if code == 7500 or "sqlite_" in lowered or "not authorized" in lowered:
        return Verdict(Answer.FATAL)
    return None


class CloudflareD1(D1):
    """The D1 database `database_id` of `account_id`; `session` is one of Cloudflare's API and holds the token.

    count: gets the rows that each answer says were read and written.
    """

    def __init__(
        self, session: Session, account_id: str, database_id: str, *, api: str = API, count: Count = nobody
    ) -> None:
        self._count = count
        self._session = session
        self._pacing_key = account_id
        self._url = f"{account_url(api, account_id)}/d1/database/{database_id}"
        self._database_id = database_id
        self._classify = in_envelope(_judge)

    def __repr__(self) -> str:
        return f"CloudflareD1({self._database_id!r})"

    def query(self, sql: str, params: Sequence[Param] = ()) -> list[Row]:
        """See `D1.query`."""
        return self._results([Statement(sql, params)], idempotent=False)[0].rows

    def execute(self, sql: str, params: Sequence[Param] = (), *, idempotent: bool = False) -> int:
        """See `D1.execute`."""
        return self._results([Statement(sql, params)], idempotent=idempotent)[0].changes

    def batch(self, statements: Iterable[Statement], *, idempotent: bool = False) -> list[Result]:
        """See `D1.batch`; it is one call, which takes 30 s at most."""
        return self._results(list(statements), idempotent=idempotent)

    def export(self, destination: BinaryIO | Path) -> int:
        """See `D1.export`; the database answers no other request meanwhile."""
        return export(self._session, lambda body: self._call("POST", "/export", body), destination)

    def bookmark(self, at: datetime | None = None) -> str:
        """See `D1.bookmark`."""
        query = "" if at is None else f"?timestamp={at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
        return str(self._call("GET", f"/time_travel/bookmark{query}")["bookmark"])

    def size(self) -> int:
        """See `D1.size`; every answer has it."""
        (answer,) = self._call("POST", "/raw", {"sql": "select 1", "params": []})
        return int(answer["meta"]["size_after"])

    def scrub(self) -> timedelta:
        """See `D1.scrub`: the service deletes no history, and keeps it for Time Travel."""
        return TIME_TRAVEL

    def close(self) -> None:
        """See `D1.close`."""
        self._session.close()

    def _results(self, statements: list[Statement], *, idempotent: bool) -> list[Result]:
        if not statements:
            return []
        bound = [wire.bind(statement) for statement in statements]
        writes = [scan(sql).writes for sql, _ in bound]
        reads = not any(writes)
        answers = self._raw(bound, idempotent=idempotent or reads)
        if reads and any(wire.damaged(rows) for _, rows, _ in answers):
            return self._exact(bound, [columns for columns, _, _ in answers])
        results = []
        for is_write, (columns, rows, changes) in zip(writes, answers, strict=True):
            if wire.damaged(rows):
                raise D1Error(7400, f"the statement ran, but it returns {wire.BIG_NUMBER}: cast it to text")
            results.append(Result(as_rows(columns, wire.values(rows)), changes if is_write else 0))
        return results

    def _exact(self, bound: list[tuple[str, list[str]]], columns: list[list[str]]) -> list[Result]:
        wrapped = [(wire.tagged(sql, len(names)), texts) for (sql, texts), names in zip(bound, columns, strict=True)]
        answers = self._raw(wrapped, idempotent=True)
        return [
            Result(as_rows(names, wire.untagged(rows)), 0) for names, (_, rows, _) in zip(columns, answers, strict=True)
        ]

    def _raw(self, bound: list[tuple[str, list[str]]], *, idempotent: bool) -> list[tuple[list[str], list[Any], int]]:
        queries = [{"sql": sql, "params": texts} for sql, texts in bound]
        body = queries[0] if len(queries) == 1 else {"batch": queries}
        answers = self._call("POST", "/raw", body, idempotent=idempotent)
        try:
            read = [
                (answer["results"]["columns"], answer["results"]["rows"], answer["meta"].get("changes", 0))
                for answer in answers
            ]
        except (KeyError, TypeError):
            read = []
        if len(read) != len(queries):
            raise D1Error(0, f"the answer to {len(queries)} statements has another form")
        for answer in answers:
            self._count(D1_ROWS_READ, int(answer["meta"].get("rows_read") or 0))
            self._count(D1_ROWS_WRITTEN, int(answer["meta"].get("rows_written") or 0))
        return read

    def _call(self, method: str, path: str, body: Any = None, *, idempotent: bool = True) -> Any:
        try:
            response = self._session.request(
                method,
                self._url + path,
                json=body,
                idempotent=idempotent,
                classify=self._classify,
                pacing_key=self._pacing_key,
                route=f"d1{path.partition('?')[0]}",
            )
        except HttpError as error:
            code = int(error.code) if error.code and error.code.isdigit() else 0
            if code in SQL_CODES or "SQLITE_" in error.message:
                raise D1Error(code, error.message) from error
            raise
        return decoded(response)["result"]
