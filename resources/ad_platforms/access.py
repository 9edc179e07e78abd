"""The access of one connection to its platform: credentials, addresses, pacing, and tokens that are kept fresh.

What belongs here: OAuth tokens and their rotation, pacing by account and application. What does not: a request for a
token that only one platform has.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from requests.adapters import HTTPAdapter

from resources.ad_platforms import fields
from resources.ad_platforms.records import PlatformError
from resources.http import Patience, Session
from resources.pacing import Pacing

EARLY = timedelta(minutes=5)


@dataclass(frozen=True)
class Grant:
    """The answer to a refresh. `refresh_token` is a new one, if the platform rotated it; `expires_in` is in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: float | None = None


@dataclass(frozen=True)
class Access:
    """What a client needs for one connection.

    oauth: `access_token`, `refresh_token`, `expires_at` (ISO 8601). app: ids and secrets of the registered application.
    store: stores a changed `oauth` at once. pacing: all clients of the platform share it, as they may its `transport`.
    origin: a sandbox or a proxy, before the platform's hosts.
    """

    account_id: str
    oauth: Mapping[str, Any] = field(repr=False)
    app: Mapping[str, str] = field(repr=False)
    store: Callable[[Mapping[str, Any]], None] = field(repr=False)
    pacing: Pacing = field(repr=False)
    clock: Callable[[], datetime] = field(repr=False)
    origin: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)
    transport: HTTPAdapter | None = field(default=None, repr=False)
    monotonic: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def url(self, real: str) -> str:
        """The URL to use for a URL of the platform."""
        return f"{self.origin}/{real.removeprefix('https://')}" if self.origin else real

    def of_app(self, name: str) -> str:
        """A value of the registered application; a PlatformError names a missing one."""
        value = self.app.get(name)
        if not value:
            raise PlatformError("app_not_configured", f"the platform's application has no {name}")
        return value

    def session(
        self, name: str, auth: Callable[[], Mapping[str, str]], refresh: Callable[[], None] | None = None
    ) -> Session:
        """A session for the requests of this connection; see `Session` for the arguments."""
        return Session(
            name,
            auth=auth,
            refresh=refresh,
            pacing=self.pacing,
            patience=self.patience,
            transport=self.transport,
            clock=self.monotonic,
            sleep=self.sleep,
        )

    def refreshed(self, session: Session, url: str, refresh_token: str, **extra: str) -> Grant:
        """A new token by the form that OAuth 2.0 has for it; `extra` are further fields."""
        form = {
            "grant_type": "refresh_token",
            "client_id": self.of_app("client_id"),
            "client_secret": self.of_app("client_secret"),
            "refresh_token": refresh_token,
            **extra,
        }
        response = session.request(
            "POST", self.url(url), data=form, idempotent=True, authorize=False, pacing_key="token"
        )
        return granted(fields.decoded(response.content))


class Tokens:
    """The tokens of one connection. They are renewed before they expire, and stored before they are used."""

    def __init__(self, access: Access, ask: Callable[[str], Grant], *, early: timedelta = EARLY) -> None:
        self._access = access
        self._ask = ask
        self._early = early
        self._oauth = dict(access.oauth)
        if not isinstance(self._oauth.get("access_token"), str) or not self._oauth["access_token"]:
            raise PlatformError("no_credentials", "the connection holds no access token")

    @property
    def current(self) -> str:
        """The access token."""
        return str(self._oauth["access_token"])

    def keep_fresh(self) -> None:
        """Refresh the token if it will expire soon."""
        expires_at = self._expires_at()
        if expires_at is not None and expires_at - self._access.clock() < self._early:
            self.refresh()

    def refresh(self) -> None:
        """Get a new token with the refresh token, or with the access token if the platform has no refresh tokens."""
        grant = self._ask(str(self._oauth.get("refresh_token") or self.current))
        self._oauth["access_token"] = grant.access_token
        if grant.refresh_token is not None:
            self._oauth["refresh_token"] = grant.refresh_token
        if grant.expires_in is not None:
            expires = self._access.clock() + timedelta(seconds=grant.expires_in)
            self._oauth["expires_at"] = expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        # Before its first use, because a rotated token that is lost ends the access for good.
        self._access.store(dict(self._oauth))

    def _expires_at(self) -> datetime | None:
        try:
            expires_at = datetime.fromisoformat(str(self._oauth["expires_at"]))
        except (KeyError, ValueError):
            return None
        return expires_at if expires_at.tzinfo else expires_at.replace(tzinfo=UTC)


def granted(answer: Any) -> Grant:
    """The grant in an OAuth answer; a PlatformError if there is none."""
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise PlatformError("no_token", "the token endpoint gave no access token")
    refresh_token, expires_in = answer.get("refresh_token"), answer.get("expires_in")
    return Grant(
        answer["access_token"],
        refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        float(expires_in) if isinstance(expires_in, int | float) else None,
    )
