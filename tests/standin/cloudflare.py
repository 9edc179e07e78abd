"""Cloudflare's API for D1 and Workers KV on loopback, over the embedded stores, with its documented limits.

It has what the local runtime does not have: accounts, tokens, /query, export, time travel and rate limits.
"""

import base64
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from resources.d1 import D1Error, EmbeddedD1, Result, Statement
from resources.kv import EmbeddedKV, Entry, KVError
from tests.standin.loopback import Loopback, Reply, Request

ACCOUNT = "a" * 32
DATABASE = "d" * 36
NAMESPACE = "b" * 32
TOKEN = "stand-in-secret-token"


class Cloudflare:
    """One account with one database and one namespace.

    quota: so many requests are answered; those after them get 429. failing_keys: how many writes of a key fail.
    """

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self.d1 = EmbeddedD1(folder / "d1.sqlite")
        self.kv = EmbeddedKV(folder / "kv.sqlite", clock=clock)
        self.quota: float = math.inf
        self.failing_keys: dict[str, int] = {}
        self.largest_bulk_get = 25 * 1024 * 1024
        self.loopback = Loopback(self._serve)
        self._dumps: dict[str, bytes] = {}
        self._polls = 0

    @property
    def api(self) -> str:
        return f"{self.loopback.url}/client/v4"

    def close(self) -> None:
        self.d1.close()
        self.kv.close()

    def _serve(self, request: Request) -> Reply:
        if request.path.startswith("/dumps/"):
            return self._dump(request)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _failure(401, 10000, "Authentication error")
        if self.quota <= 0:
            return _failure(429, 10429, "rate limit reached", {"Retry-After": "300"})
        self.quota -= 1
        match request.parts:
            case ["client", "v4", "accounts", account, "d1", "database", database, *rest] if (
                account == ACCOUNT and database == DATABASE
            ):
                return self._database(request, rest)
            case ["client", "v4", "accounts", account, "storage", "kv", "namespaces", namespace, *rest] if (
                account == ACCOUNT and namespace == NAMESPACE
            ):
                return self._namespace(request, rest)
        return _failure(404, 7003, "Could not route to that path")

    def _database(self, request: Request, rest: list[str]) -> Reply:
        match (request.method, rest):
            case ("POST", ["query" | "raw" as form]):
                return self._statements(request.json, form)
            case ("POST", ["export"]):
                return self._export(request.json)
            case ("GET", ["time_travel", "bookmark"]):
                moment = request.query.get("timestamp", "now")
                return _success({"bookmark": f"00000000-00000000-{moment}"})
        return _failure(405, 10405, "Method not allowed for this authentication scheme")

    def _statements(self, body: Any, form: str) -> Reply:
        queries = body.get("batch", [body])
        for query in queries:
            params = query.get("params", [])
            if not all(isinstance(param, str) for param in params):
                return _failure(400, 7400, "params must be an array of strings")
        try:
            results = self.d1.batch(Statement(query["sql"], query.get("params", [])) for query in queries)
        except D1Error as error:
            return _failure(400, error.code, error.message)
        size = self.d1.size()
        return _success([_result(result, form, size) for result in results])

    def _export(self, body: Any) -> Reply:
        if body.get("output_format") != "polling":
            return _failure(400, 7400, "output_format must be polling")
        bookmark = "00000000-00000001"
        if "current_bookmark" not in body:
            self._polls = 0
        elif body["current_bookmark"] != bookmark:
            return _failure(400, 7400, "unknown bookmark")
        self._polls += 1
        state: dict[str, Any] = {"success": True, "type": "export", "at_bookmark": bookmark, "messages": []}
        if self._polls < 3:
            return _success(state | {"status": "active"})
        path = Path(self.d1.path.with_name("dump.sql"))
        try:
            self.d1.export(path)
        except D1Error as error:
            return _success(state | {"status": "error", "success": False, "error": error.message})
        self._dumps["1"] = path.read_bytes()
        url = f"{self.loopback.url}/dumps/1?X-Amz-Signature=0123456789abcdef"
        return _success(state | {"status": "complete", "result": {"filename": "dump.sql", "signed_url": url}})

    def _dump(self, request: Request) -> Reply:
        if (
            "Authorization" in request.headers
        ):  # S3 refuses two ways of signing at once, and a token must not be sent to it
            return Reply(b"<Error><Code>InvalidArgument</Code></Error>", 400)
        return Reply(self._dumps[request.parts[-1]])

    def _namespace(self, request: Request, rest: list[str]) -> Reply:
        try:
            match (request.method, rest):
                case ("PUT", ["bulk"]):
                    return self._bulk_put(request)
                case ("POST", ["bulk", "delete"]):
                    return self._bulk_delete(request.json)
                case ("POST", ["bulk", "get"]):
                    return self._bulk_get(request.json["keys"])
                case ("GET", ["keys"]):
                    return self._keys(request)
                case ("GET", ["values", key]):
                    value = self.kv.get(key)
                    return _failure(404, 10009, "get: 'key not found'") if value is None else Reply(value)
        except KVError as error:
            return _failure(400, error.code, error.message)
        return _failure(405, 10405, "Method not allowed for this authentication scheme")

    def _bulk_put(self, request: Request) -> Reply:
        pairs = request.json
        if len(pairs) > 10_000 or len(request.body) > 100_000_000:
            return _failure(413, 10013, "bulk limit of 10,000 pairs or 100 MB exceeded")
        keys = [pair["key"] for pair in pairs]
        if len(set(keys)) != len(keys):
            return _failure(429, 10429, "more than one write a second to one key")
        failed = self._failing(keys)
        self.kv.put_many(_entry(pair) for pair in pairs if pair["key"] not in failed)
        return _success({"successful_key_count": len(keys) - len(failed), "unsuccessful_keys": failed})

    def _bulk_delete(self, keys: list[str]) -> Reply:
        if len(keys) > 10_000:
            return _failure(413, 10013, "bulk limit of 10,000 keys exceeded")
        failed = self._failing(keys)
        self.kv.delete_many(key for key in keys if key not in failed)
        return _success({"successful_key_count": len(keys) - len(failed), "unsuccessful_keys": failed})

    def _bulk_get(self, keys: list[str]) -> Reply:
        if len(keys) > 100:
            return _failure(400, 10033, "more than 100 keys")
        values = self.kv.get_many(keys)
        if sum(map(len, values.values())) > self.largest_bulk_get:
            return _failure(413, 10013, "the values exceed the bulk limit")
        texts = {key: values[key].decode("utf-8", "replace") if key in values else None for key in keys}
        texts.pop("__proto__", None)  # as JavaScript does
        return _success({"values": texts})

    def _keys(self, request: Request) -> Reply:
        limit = int(request.query.get("limit", "1000"))
        if not 10 <= limit <= 1000:
            return _failure(400, 10033, "limit must be from 10 to 1000")
        infos = list(self.kv.list(request.query.get("prefix", "")))
        start = int(request.query.get("cursor", "0"))
        rows: list[dict[str, Any]] = []
        for info in infos[start : start + limit]:
            row: dict[str, Any] = {"name": info.name}
            if info.expiration is not None:
                row["expiration"] = info.expiration
            if info.metadata is not None:
                row["metadata"] = info.metadata
            rows.append(row)
        cursor = str(start + limit) if start + limit < len(infos) else ""
        return _success(rows, {"result_info": {"count": len(rows), "cursor": cursor}})

    def _failing(self, keys: list[str]) -> list[str]:
        failed = [key for key in keys if self.failing_keys.get(key, 0) > 0]
        for key in failed:
            self.failing_keys[key] -= 1
        return failed


def _success(result: Any, more: dict[str, Any] | None = None) -> Reply:
    quota = {"Ratelimit": '"default";r=1100;t=200', "Ratelimit-Policy": '"default";q=1200;w=300'}
    return Reply({"success": True, "errors": [], "messages": [], "result": result, **(more or {})}, 200, quota)


def _failure(status: int, code: int, message: str, headers: dict[str, str] | None = None) -> Reply:
    errors = [{"code": code, "message": message}]
    return Reply({"success": False, "errors": errors, "messages": [], "result": None}, status, headers or {})


def _result(result: Result, form: str, size: int) -> dict[str, Any]:
    columns = list(result.rows[0]) if result.rows else []
    rows = [[_as_javascript(value) for value in row.values()] for row in result.rows]
    objects = [dict(zip(columns, row, strict=True)) for row in rows]
    return {
        "success": True,
        "results": {"columns": columns, "rows": rows} if form == "raw" else objects,
        "meta": {"changes": result.changes, "size_after": size, "served_by": "stand-in"},
    }


def _as_javascript(value: Any) -> Any:
    """A value as a Worker sends it: every number a double, a blob an array of its bytes."""
    if isinstance(value, bytes):
        return list(value)
    if isinstance(value, int | float):
        number = float(value)
        if not math.isfinite(number):
            return None
        return json.loads(f"{number:.0f}") if number.is_integer() and abs(number) < 1e21 else number
    return value


def _entry(pair: dict[str, Any]) -> Entry:
    value = base64.b64decode(pair["value"], validate=True) if pair.get("base64") else pair["value"].encode()
    return Entry(pair["key"], value, pair.get("expiration"), pair.get("expiration_ttl"), pair.get("metadata"))
