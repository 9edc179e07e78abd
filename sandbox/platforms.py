"""The four platforms over one world: their addresses, credentials and answers, and the log of requests.

What does not belong here: what one platform answers (its own package), sockets (`listener`) and the paths by which
another process steers the sandbox (`control`).
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sandbox.apps import APPS
from sandbox.clock import SandboxClock
from sandbox.exchange import RefusedError, Request, Response, retry_after
from sandbox.faults import REFUSALS, Fault, FaultKind, FaultOrders, Subject
from sandbox.google.api import GoogleAds
from sandbox.limits import Limits
from sandbox.meta.api import Meta
from sandbox.microsoft.api import SCOPE, Microsoft
from sandbox.service import Service
from sandbox.tiktok.api import TikTok
from sandbox.tokens import TokenBook
from sandbox.world.catalogue import Size
from sandbox.world.entities import PLATFORMS, Platform
from sandbox.world.world import World

_ENDPOINTS: dict[Platform, dict[str, str]] = {
    "google": {"api": "googleads.googleapis.com/v26", "token": "oauth2.googleapis.com/token"},
    "facebook": {"api": "graph.facebook.com/v26.0"},
    "tiktok": {"api": "business-api.tiktok.com/open_api/v1.3"},
    "microsoft": {
        "bulk": "bulk.api.bingads.microsoft.com/Bulk/v13",
        "reporting": "reporting.api.bingads.microsoft.com/Reporting/v13",
        "customer": "clientcenter.api.bingads.microsoft.com/CustomerManagement/v13",
        "token": "login.microsoftonline.com/common/oauth2/v2.0/token",
    },
}
_SCOPES: dict[Platform, str] = {
    "google": "https://www.googleapis.com/auth/adwords",
    "facebook": "ads_read",
    "tiktok": "ads.read",
    "microsoft": f"{SCOPE} offline_access",
}
_LARGEST_LOG = 100_000


@dataclass(frozen=True, slots=True)
class Logged:
    """A request. `status` is 0 if the connection was broken before an answer."""

    platform: Platform
    method: str
    host: str
    path: str
    account_id: str | None
    page: int
    status: int
    fault: FaultKind | None


class Connection(NamedTuple):
    """The values of a row of platform_connections. `credentials` have the form of secrets and open nothing else."""

    platform: Platform
    account_id: str
    account_name: str
    currency: str
    time_zone: str
    credentials: dict[str, Any]


def endpoints(platform: Platform, origin: str) -> dict[str, str]:
    """The base addresses of a platform in the sandbox at `origin`, by what they are for."""
    return {name: f"{origin}/{address}" for name, address in _ENDPOINTS[platform].items()}


class Platforms:
    """The platforms without a socket. Their state is public, for tests that run in this process."""

    def __init__(
        self, seed: int, clock: Callable[[], datetime], today: date, size: Size | None, limits: Limits
    ) -> None:
        self.clock = SandboxClock(clock)
        self.world = World(seed, today, size)
        self.tokens = TokenBook(seed, self.clock)
        self.faults = FaultOrders()
        self.log: list[Logged] = []
        kinds: tuple[type[Service], ...] = (GoogleAds, Meta, TikTok, Microsoft)
        services = [kind(self.world, self.tokens, self.clock, limits) for kind in kinds]
        self._services = {host: service for service in services for host in service.hosts}
        self._stopping = threading.Event()

    def credentials(self, platform: Platform, account_id: str) -> dict[str, Any]:
        """The credentials of a connection: `oauth` (tokens that are valid from now), `app` (the ids and secrets of the
        registered application) and `sync_config`."""
        grant = self.tokens.issue(platform, self.world.account(platform, account_id).id)
        expires = self.clock() + timedelta(seconds=grant.expires_in)
        return {
            "oauth": {
                "access_token": grant.access_token,
                "refresh_token": grant.refresh_token,
                "expires_at": expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "scope": _SCOPES[platform],
            },
            "app": dict(APPS[platform]),
            "sync_config": {"lookback_days": 30, "include_keywords": True, "include_ad_groups": True},
        }

    def connections(self) -> list[Connection]:
        """A connection for every account of the world."""
        return [
            Connection(
                platform,
                account_id=account.id,
                account_name=account.name,
                currency=account.currency,
                time_zone=account.time_zone,
                credentials=self.credentials(platform, account.id),
            )
            for platform in PLATFORMS
            for account in self.world.accounts(platform)
        ]

    def answer(self, request: Request) -> tuple[Response | None, Fault | None]:
        """The response to a request and the fault that it met. Without a response the connection is to be broken."""
        service = self._services.get(request.host)
        if service is None:
            return Response.of({"error": f"no platform has the host {request.host}"}, 404), None
        subject = service.subject(request)
        fault = self.faults.take(service.platform, request.path, subject)
        try:
            response = self._respond(service, request, subject, fault)
        except RefusedError as refused:
            response = refused.response
        if len(self.log) < _LARGEST_LOG:
            self.log.append(
                Logged(
                    service.platform,
                    method=request.method,
                    host=request.host,
                    path=request.path,
                    account_id=subject.account_id,
                    page=subject.page,
                    status=response.status if response else 0,
                    fault=fault.kind if fault else None,
                )
            )
        return response, fault

    def _respond(self, service: Service, request: Request, subject: Subject, fault: Fault | None) -> Response | None:
        if fault is None:
            return service.handle(request, None)
        if fault.kind is FaultKind.TIMEOUT:
            self._stopping.wait(fault.seconds)
            return None
        if fault.kind is FaultKind.RESET:
            return None
        if fault.kind is FaultKind.HTTP_429:
            headers = {"Content-Type": "text/plain", **retry_after(fault.retry_after)}
            return Response(429, b"Too Many Requests", headers)
        if fault.kind is FaultKind.SERVER_ERROR:
            body = b"<html><body>Service Unavailable</body></html>"
            return Response(fault.status, body, {"Content-Type": "text/html"})
        if fault.kind in REFUSALS:
            if subject.account_id is not None and fault.kind is FaultKind.TOKEN_EXPIRED:
                self.tokens.expire(service.platform, subject.account_id)
            if subject.account_id is not None and fault.kind is FaultKind.TOKEN_REVOKED:
                self.tokens.revoke(service.platform, subject.account_id)
            return service.refused(fault)
        return service.handle(request, fault)
