"""R2 SQL on loopback: the SQL endpoint of a bucket, which answers with DuckDB and refuses what R2 SQL cannot do."""

import datetime as dt
import re
import threading
from typing import Any

import duckdb
import polars as pl

from tests.standin.loopback import Loopback, Reply, Request

TOKEN = "the-token"
NEVER = {
    "only read-only queries are allowed": r"^\s*(insert|update|delete|create|drop|alter|copy|attach)\b",
    "UNNEST, PIVOT": r"\b(unnest|pivot|unpivot)\b",
    "OFFSET": r"\boffset\b",
    "DISTINCT": r"\bdistinct\b",
    "window functions": r"\bover\s*\(",
}
AGGREGATES = {"aggregates": r"\b(count|sum|avg|min|max)\s*\(", "GROUP BY": r"\bgroup\s+by\b"}


class R2SqlService:
    """The bucket `lake` of the account `acct`, with the tables that `put` made.

    refused: patterns of statements that it refuses, by the name of the feature.
    """

    def __init__(self) -> None:
        self.refused = {**NEVER}
        self.loopback = Loopback(self.answer)
        self._engine = duckdb.connect()
        self._lock = threading.Lock()

    def put(self, namespace: str, name: str, rows: pl.DataFrame) -> None:
        """Make a table, or replace it."""
        with self._lock:
            self._engine.register("rows_to_put", rows.to_arrow())
            self._engine.execute(f"create schema if not exists {namespace}")
            self._engine.execute(f"create or replace table {namespace}.{name} as from rows_to_put")
            self._engine.unregister("rows_to_put")

    def answer(self, request: Request) -> Reply:
        """Answer one statement."""
        assert request.path == "/accounts/acct/r2-sql/query/lake"
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return refusal(401, 10001, "Unauthorized")
        query = request.json["query"]
        for what, pattern in self.refused.items():
            if re.search(pattern, query, re.IGNORECASE):
                return refusal(400, 40003, f"unsupported feature: {what}")
        limit = re.search(r"limit (\d+)$", query)
        if limit and int(limit[1]) > 10_000:
            return refusal(400, 40005, "LIMIT is above 10000")
        with self._lock:
            try:
                result = self._engine.execute(query if limit else f"{query} limit 500")
            except duckdb.Error as error:
                return refusal(400, 40004, str(error).splitlines()[0])
            names = [column[0] for column in result.description or []]
            rows = [dict(zip(names, map(_as_json, row), strict=True)) for row in result.fetchall()]
        return Reply({"success": True, "errors": [], "messages": [], "result": {"schema": [], "rows": rows}})


def _as_json(value: Any) -> Any:
    return value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else value


def refusal(status: int, code: int, message: str) -> Reply:
    """An error in Cloudflare's envelope."""
    return Reply({"success": False, "errors": [{"code": code, "message": message}], "result": None}, status)
