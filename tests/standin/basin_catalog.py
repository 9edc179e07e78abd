"""The settings of maintenance of Cloudflare's catalog on loopback: of the bucket `lake`, and of tables of it."""

from typing import Any, Self

from resources.cloudflare import api_session
from resources.http import Patience
from resources.lake.managed import ManagedCatalog
from tests.standin.loopback import Loopback, Reply, Request

ACCOUNT, BUCKET, TOKEN = "a" * 32, "lake", "stand-in-catalog-token"


class BasinCatalog:
    """expiry: of the whole catalog, as the API has it. of_table: by namespace and table, where they have their own."""

    def __init__(self) -> None:
        self.expiry: dict[str, Any] = {}
        self.of_table: dict[tuple[str, str], dict[str, Any]] = {}
        self.loopback = Loopback(self._serve)

    def __enter__(self) -> Self:
        self.loopback.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.loopback.__exit__(*error)

    @property
    def client(self) -> ManagedCatalog:
        return self.opened(TOKEN)

    def opened(self, token: str) -> ManagedCatalog:
        """A client with this token."""
        session = api_session(token, patience=Patience(tries=1))
        return ManagedCatalog(session, ACCOUNT, BUCKET, api=f"{self.loopback.url}/client/v4")

    def _serve(self, request: Request) -> Reply:
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return _failure(403, 10000, f"no permission for {request.headers.get('Authorization')}")
        match request.method, request.parts:
            case "GET", ["client", "v4", "accounts", account, "r2-catalog", bucket, *rest] if (account, bucket) == (
                ACCOUNT,
                BUCKET,
            ):
                return self._configured(rest)
        return _failure(404, 7003, "could not route to that path")

    def _configured(self, rest: list[str]) -> Reply:
        match rest:
            case ["maintenance-configs"]:
                return _success(self.expiry)
            case ["namespaces", namespace, "tables", table, "maintenance-configs"]:
                own = self.of_table.get((namespace, table))
                return _failure(404, 40404, "no such table") if own is None else _success(own)
        return _failure(404, 7003, "could not route to that path")


def _success(expiry: dict[str, Any]) -> Reply:
    configured = {"compaction": {"state": "disabled"}} | ({"snapshot_expiration": expiry} if expiry else {})
    result = {"credential_status": "present", "maintenance_config": configured}
    return Reply({"success": True, "errors": [], "messages": [], "result": result})


def _failure(status: int, code: int, message: str) -> Reply:
    return Reply({"success": False, "errors": [{"code": code, "message": message}], "result": None}, status)
