"""Access and refresh tokens: issued, checked, refreshed, expired and revoked.

A token carries its claims, signed with the world's seed. A token that an earlier run of the sandbox issued is
therefore still valid. What does not belong here: how a platform asks for a token or words its refusal.
"""

import base64
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Literal

from sandbox.world.entities import Platform

# Seconds that an access token is valid. Meta's long-lived tokens last 60 days, TikTok's last for years.
LIFETIMES: dict[Platform, int] = {"google": 3_599, "facebook": 5_184_000, "tiktok": 315_360_000, "microsoft": 3_600}
_PREFIXES: dict[Platform, str] = {"google": "ya29.", "facebook": "EAAB", "tiktok": "act.", "microsoft": "EwB"}


class TokenError(Exception):
    """A token that is not accepted."""


class TokenInvalidError(TokenError):
    """It is no token of this world, or it is one of another platform or kind."""


class TokenExpiredError(TokenError):
    """It was valid before. A refresh gives another one."""


class TokenRevokedError(TokenError):
    """Its owner has withdrawn the consent. A refresh does not help."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `generation` counts rotations of the refresh token, `epoch` counts forced expiries."""

    platform: Platform
    account_id: str
    kind: Literal["access", "refresh"]
    generation: int
    epoch: int
    expires: int


@dataclass(frozen=True, slots=True, repr=False)
class Grant:
    """A pair of tokens. `expires_in` is in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class TokenBook:
    """The tokens of one world. Safe to use from many threads.

    A rotated refresh token (Microsoft) stays valid until its successor is used. A client that dies before it stores
    the successor can therefore still refresh.
    """

    def __init__(self, seed: int, clock: Callable[[], datetime]) -> None:
        self._key = f"tokens of {seed}".encode()
        self._clock = clock
        self._lock = threading.Lock()
        self._epochs: Counter[tuple[str, str]] = Counter()
        self._generations: Counter[tuple[str, str]] = Counter()
        self._revoked: set[tuple[str, str]] = set()

    def issue(self, platform: Platform, account_id: str) -> Grant:
        """The tokens of an account, as its owner's consent gives them now."""
        with self._lock:
            return self._grant(platform, account_id, self._generations[platform, account_id])

    def refresh(self, platform: Platform, token: str) -> Grant:
        """New tokens for a refresh token. Only Microsoft also gives a new refresh token."""
        claims = self._read(platform, token, "refresh")
        owner = (platform, claims.account_id)
        with self._lock:
            if owner in self._revoked:
                raise TokenRevokedError
            if claims.generation < self._generations[owner]:
                raise TokenInvalidError
            self._generations[owner] = claims.generation
            return self._grant(platform, claims.account_id, claims.generation + (platform == "microsoft"))

    def exchange(self, platform: Platform, token: str) -> Grant:
        """New tokens for an access token (Meta), which may have expired."""
        claims = self._read(platform, token, "access")
        with self._lock:
            if (platform, claims.account_id) in self._revoked:
                raise TokenRevokedError
            return self._grant(platform, claims.account_id, claims.generation)

    def check(self, platform: Platform, token: str) -> Claims:
        """The claims of a valid access token. Raises a TokenError for any other text."""
        claims = self._read(platform, token, "access")
        owner = (platform, claims.account_id)
        with self._lock:
            if owner in self._revoked:
                raise TokenRevokedError
            if claims.epoch < self._epochs[owner] or self._clock().timestamp() >= claims.expires:
                raise TokenExpiredError
        return claims

    def expire(self, platform: Platform, account_id: str) -> None:
        """End all access tokens issued so far. Refresh tokens stay valid."""
        with self._lock:
            self._epochs[platform, account_id] += 1

    def revoke(self, platform: Platform, account_id: str) -> None:
        """The owner withdraws the consent."""
        with self._lock:
            self._revoked.add((platform, account_id))

    def reinstate(self, platform: Platform, account_id: str) -> None:
        """The owner gives consent again."""
        with self._lock:
            self._revoked.discard((platform, account_id))

    def _grant(self, platform: Platform, account_id: str, generation: int) -> Grant:
        epoch = self._epochs[platform, account_id]
        expires = int(self._clock().timestamp()) + LIFETIMES[platform]
        access = Claims(platform, account_id, "access", generation, epoch, expires)
        refresh = Claims(platform, account_id, "refresh", generation, epoch, 0)
        return Grant(self._sign(access), self._sign(refresh), LIFETIMES[platform])

    def _sign(self, claims: Claims) -> str:
        body = json.dumps(asdict(claims)).encode()
        text = base64.urlsafe_b64encode(self._seal(body) + body).decode().rstrip("=")
        return _PREFIXES[claims.platform] + text

    def _read(self, platform: Platform, token: str, kind: str) -> Claims:
        text = token.removeprefix(_PREFIXES[platform])
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            raise TokenInvalidError from None
        seal, body = raw[:12], raw[12:]
        if seal != self._seal(body):
            raise TokenInvalidError
        claims = Claims(**json.loads(body))
        if claims.platform != platform or claims.kind != kind:
            raise TokenInvalidError
        return claims

    def _seal(self, body: bytes) -> bytes:
        return blake2b(body, key=self._key, digest_size=12).digest()
