"""The sandbox itself: one loopback server that holds the four platforms, each under the names of its real hosts.

`https://graph.facebook.com/v26.0` is found at `http://127.0.0.1:PORT/graph.facebook.com/v26.0`. Here are the
log of requests, the faults that no platform has a hand in, and the credentials of the world's accounts. What does not
belong here: what a platform answers, and sockets (`listener`).
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from types import TracebackType
from typing import Any, NamedTuple

from sandbox.apps import APPS
from sandbox.control import Control, SandboxClock
from sandbox.exchange import RefusedError, Request, Response, Service, Subject
from sandbox.faults import REFUSALS, Fault, FaultKind, FaultOrders
from sandbox.google.api import PAGE_ROWS, GoogleAds
from sandbox.listener import Listener
from sandbox.meta.api import Meta
from sandbox.microsoft.api import SCOPE, Microsoft
from sandbox.tiktok.api import TikTok
from sandbox.tokens import TokenBook
from sandbox.world.catalogue import Size
from sandbox.world.entities import PLATFORMS, Platform
from sandbox.world.world import World

_SCOPES: dict[Platform, str] = {
    "google": "https://www.googleapis.com/auth/adwords",
    "facebook": "ads_read",
    "tiktok": "ads.read",
    "microsoft": f"{SCOPE} offline_access",
}
_LOG_KEEPS = 100_000


@dataclass(frozen=True, slots=True)
class Logged:
    """A request that was answered (or was not: `status` is 0 where the connection was broken)."""

    platform: Platform
    method: str
    host: str
    path: str
    account_id: str | None
    page: int
    status: int
    fault: FaultKind | None


class Connection(NamedTuple):
    """What a row of platform_connections needs. `credentials` is secret in form, and worth nothing elsewhere."""

    platform: Platform
    account_id: str
    account_name: str
    currency: str
    time_zone: str
    credentials: dict[str, Any]


class Sandbox:
    """The four platforms on a free port of 127.0.0.1, from `start()` (or entering it) until `stop()`.

    The world leads up to `today`, which is the clock's day unless it is given: give it to serve the same world again
    on another day. What the platforms show of it, `clock()` decides.
    `google_page_rows` stands for Google's fixed 10,000 rows a page.
    """

    def __init__(
        self,
        seed: int = 7,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        today: date | None = None,
        size: Size | None = None,
        port: int = 0,
        google_page_rows: int = PAGE_ROWS,
    ) -> None:
        self.clock = SandboxClock(clock)
        self.world = World(seed, today or self.clock().astimezone(UTC).date(), size)
        self.tokens = TokenBook(seed, self.clock)
        self.faults = FaultOrders()
        self.log: list[Logged] = []
        self.google = GoogleAds(self.world, self.tokens, self.clock, google_page_rows)
        self.meta = Meta(self.world, self.tokens, self.clock)
        self.tiktok = TikTok(self.world, self.tokens, self.clock)
        self.microsoft = Microsoft(self.world, self.tokens, self.clock)
        services: tuple[Service, ...] = (self.google, self.meta, self.tiktok, self.microsoft)
        self._services = {host: service for service in services for host in service.hosts}
        self._control = Control(self)
        self._wanted_port = port
        self._stopping = threading.Event()
        self._server: Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> "Sandbox":
        self._stopping.clear()
        self._server = Listener(self._wanted_port, self.answer)
        # The default half-second poll would make every stop() that long.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ends the server; requests that a TIMEOUT is holding are let go."""
        self._stopping.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> "Sandbox":
        return self if self._server is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("the sandbox has not been started")
        return int(self._server.server_address[1])

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def url(self, real: str) -> str:
        """Where the sandbox serves a real address: https://graph.facebook.com/v26.0 and the like."""
        return f"{self.origin}/{real.removeprefix('https://')}"

    def endpoints(self, platform: Platform) -> dict[str, str]:
        """The base addresses of a platform, by what they are for."""
        return {
            name: self.url(real)
            for name, real in {
                "google": {
                    "api": "https://googleads.googleapis.com/v26",
                    "token": "https://oauth2.googleapis.com/token",
                },
                "facebook": {"api": "https://graph.facebook.com/v26.0"},
                "tiktok": {"api": "https://business-api.tiktok.com/open_api/v1.3"},
                "microsoft": {
                    "campaign": "https://campaign.api.bingads.microsoft.com/CampaignManagement/v13",
                    "reporting": "https://reporting.api.bingads.microsoft.com/Reporting/v13",
                    "customer": "https://clientcenter.api.bingads.microsoft.com/CustomerManagement/v13",
                    "token": "https://login.microsoftonline.com/common/oauth2/v2.0/token",
                },
            }[platform].items()
        }

    def credentials(self, platform: Platform, account_id: str) -> dict[str, Any]:
        """The settings of a connection: `oauth` (tokens good from now), `app` (what the registered application
        has: ids, secrets, developer token), `sync_config`."""
        grant = self.tokens.issue(platform, self.world.account(platform, account_id).id)
        return {
            "oauth": {
                "access_token": grant.access_token,
                "refresh_token": grant.refresh_token,
                "expires_at": self.tokens.expires_at(grant).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "scope": _SCOPES[platform],
            },
            "app": dict(APPS[platform]),
            "sync_config": {"lookback_days": 30, "include_keywords": True, "include_ad_groups": True},
        }

    def connections(self) -> list[Connection]:
        return [
            Connection(
                platform,
                account.id,
                account.name,
                account.currency,
                account.time_zone,
                self.credentials(platform, account.id),
            )
            for platform in PLATFORMS
            for account in self.world.accounts(platform)
        ]

    def answer(self, request: Request) -> tuple[Response | None, Fault | None]:
        """The response to a request, and the fault that met it. None: the connection is to be broken."""
        if request.host == "_sandbox":
            return self._control.handle(request), None
        service = self._services.get(request.host)
        if service is None:
            return Response.of({"error": f"no platform has the host {request.host}"}, 404), None
        subject = service.subject(request)
        fault = self.faults.take(service.platform, request.path, subject.account_id, subject.page, subject.purpose)
        response = self._respond(service, request, subject, fault)
        if len(self.log) < _LOG_KEEPS:
            kind = fault.kind if fault else None
            status = response.status if response else 0
            self.log.append(
                Logged(
                    service.platform,
                    request.method,
                    request.host,
                    request.path,
                    subject.account_id,
                    subject.page,
                    status,
                    kind,
                )
            )
        return response, fault

    def _respond(self, service: Service, request: Request, subject: Subject, fault: Fault | None) -> Response | None:
        kind = fault.kind if fault is not None else None
        if fault is not None and kind is FaultKind.TIMEOUT:
            self._stopping.wait(fault.seconds)
            return None
        if kind is FaultKind.RESET:
            return None
        if fault is not None and kind is FaultKind.HTTP_429:
            after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return Response(429, b"Too Many Requests", {"Content-Type": "text/plain", **after})
        if fault is not None and kind is FaultKind.SERVER_ERROR:
            return Response(
                fault.status, b"<html><body>Service Unavailable</body></html>", {"Content-Type": "text/html"}
            )
        if fault is not None and fault.kind in REFUSALS:
            if subject.account_id is not None and kind is FaultKind.TOKEN_EXPIRED:
                self.tokens.expire(service.platform, subject.account_id)
            if subject.account_id is not None and kind is FaultKind.TOKEN_REVOKED:
                self.tokens.revoke(service.platform, subject.account_id)
            return service.refusal(fault.kind, fault)
        try:
            return service.handle(request, fault)
        except RefusedError as refused:
            return refused.response
