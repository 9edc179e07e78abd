"""What a client of one connection is made of, and the tokens that it keeps fresh.

What belongs here: OAuth tokens and their rotation, pacing by account and app, addresses. What does not: how one
platform asks for a token.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from resources.ad_platforms.records import PlatformError
from resources.http import Patience
from resources.pacing import Pacing

EARLY = timedelta(minutes=5)


@dataclass(frozen=True)
class Grant:
    """An answer to a refresh; `refresh_token` where the platform rotated it, `expires_in` in seconds."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    expires_in: float | None = None


@dataclass(frozen=True)
class Access:
    """One connection's way to its platform.

    oauth: `access_token`, `refresh_token`, `expires_at` (ISO 8601). app: the registered application's ids and secrets.
    store: keeps a changed `oauth`, at once. pacing: shared by all clients of the platform. origin: put in front of
    the platform's hosts (a sandbox, a proxy).
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
    monotonic: Callable[[], float] = field(default=time.monotonic, repr=False)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    def url(self, real: str) -> str:
        """Where a platform's address is found."""
        return f"{self.origin}/{real.removeprefix('https://')}" if self.origin else real

    def of_app(self, name: str) -> str:
        """A value of the registered application; raises PlatformError that names a missing one."""
        value = self.app.get(name)
        if not value:
            raise PlatformError("app_not_configured", f"the platform's application has no {name}")
        return value


class Tokens:
    """The tokens of one connection: fresh before they expire, and stored before they are used."""

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
        """Refresh a token that is about to expire."""
        expires_at = self._expires_at()
        if expires_at is not None and expires_at - self._access.clock() < self._early:
            self.refresh()

    def refresh(self) -> None:
        """Ask for a new token with the refresh token (the access token, where the platform has none of those)."""
        held = self._oauth.get("refresh_token") or self.current
        grant = self._ask(str(held))
        self._oauth["access_token"] = grant.access_token
        if grant.refresh_token is not None:
            self._oauth["refresh_token"] = grant.refresh_token
        if grant.expires_in is not None:
            expires = self._access.clock() + timedelta(seconds=grant.expires_in)
            self._oauth["expires_at"] = expires.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        # Before anything is asked with it: a rotated token that is lost locks the connection out.
        self._access.store(dict(self._oauth))

    def _expires_at(self) -> datetime | None:
        try:
            found = datetime.fromisoformat(str(self._oauth["expires_at"]))
        except (KeyError, ValueError):
            return None
        return found if found.tzinfo else found.replace(tzinfo=UTC)


def granted(answer: Any) -> Grant:
    """The grant in an OAuth answer; raises PlatformError where it holds none."""
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        raise PlatformError("no_token", "the token endpoint gave no access token")
    refresh_token, expires_in = answer.get("refresh_token"), answer.get("expires_in")
    return Grant(
        answer["access_token"],
        refresh_token if isinstance(refresh_token, str) and refresh_token else None,
        float(expires_in) if isinstance(expires_in, int | float) else None,
    )
