"""R2 SQL on loopback: a bucket's SQL endpoint that answers with DuckDB and refuses what it is told it cannot do."""

import datetime as dt
import re
import threading
from typing import Any

import duckdb
import polars as pl

from tests.standin.loopback import Asked, Loopback, Reply

TOKEN = "the-token"
NEVER = {"OFFSET": r"\boffset\b", "DISTINCT": r"\bdistinct\b", "window functions": r"\bover\s*\("}
AGGREGATES = {"aggregates": r"\b(count|sum|avg|min|max)\s*\(", "GROUP BY": r"\bgroup\s+by\b"}


class R2SqlService:
    """The bucket `lake` of the account `acct`, with the tables that were put there."""

    def __init__(self) -> None:
        self.refused = {**NEVER}
        self.loopback = Loopback(self.answer)
        self._engine = duckdb.connect()
        self._lock = threading.Lock()

    def put(self, namespace: str, name: str, rows: pl.DataFrame) -> None:
        """Make a table anew."""
        with self._lock:
            self._engine.register("rows_to_put", rows.to_arrow())
            self._engine.execute(f"create schema if not exists {namespace}")
            self._engine.execute(f"create or replace table {namespace}.{name} as from rows_to_put")
            self._engine.unregister("rows_to_put")

    def answer(self, asked: Asked) -> Reply:
        """One statement."""
        assert asked.path == "/accounts/acct/r2-sql/query/lake"
        if asked.headers.get("Authorization") != f"Bearer {TOKEN}":
            return refusal(401, 10001, "Unauthorized")
        query = asked.json["query"]
        for what, pattern in self.refused.items():
            if re.search(pattern, query, re.IGNORECASE):
                return refusal(400, 40003, f"unsupported feature: {what}")
        limit = re.search(r"limit (\d+)$", query)
        if limit and int(limit[1]) > 10_000:
            return refusal(400, 40005, "LIMIT is above 10000")
        with self._lock:
            try:
                found = self._engine.execute(query if limit else f"{query} limit 500")
            except duckdb.Error as error:
                return refusal(400, 40004, str(error).splitlines()[0])
            names = [column[0] for column in found.description or []]
            rows = [dict(zip(names, map(_as_json, row), strict=True)) for row in found.fetchall()]
        return Reply({"success": True, "errors": [], "messages": [], "result": {"schema": [], "rows": rows}})


def _as_json(value: Any) -> Any:
    return value.astimezone(dt.UTC).isoformat() if isinstance(value, dt.datetime) else value


def refusal(status: int, code: int, message: str) -> Reply:
    """An error in Cloudflare's envelope."""
    return Reply({"success": False, "errors": [{"code": code, "message": message}], "result": None}, status)
