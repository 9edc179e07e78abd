"""Access and refresh tokens: issued, checked, refreshed, expired and revoked.

A token carries what it says, signed with the world's seed, so that one issued before the sandbox was started again is
still good. What does not belong here: how a platform asks for one or words its refusal.
"""

import base64
import binascii
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Literal

from sandbox.world.entities import Platform

# Seconds an access token lives. Meta's is the 60 days of a long-lived token; TikTok's is long-lived by design.
LIFETIMES: dict[Platform, int] = {
    "google": 3_599,
    "facebook": 5_184_000,
    "tiktok": 315_360_000,
    "microsoft": 3_600,
}
_PREFIXES: dict[Platform, str] = {"google": "ya29.", "facebook": "EAAB", "tiktok": "act.", "microsoft": "EwB"}


class TokenInvalidError(Exception):
    """It is no token of this world, or of another platform or kind."""


class TokenExpiredError(Exception):
    """It was good once: a refresh gives another."""


class TokenRevokedError(Exception):
    """Its owner has taken the access back: no refresh helps."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `generation` counts rotations of the refresh token, `epoch` forced expiries."""

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
    """The tokens of one world. `clock` decides what has expired. Safe to use from many threads.

    A rotated refresh token (Microsoft) stays good until its successor has been used, so that a client that died
    before it stored the successor is not locked out; after that it is refused.
    """

    def __init__(self, seed: int, clock: Callable[[], datetime]) -> None:
        self._key = f"tokens of {seed}".encode()
        self._clock = clock
        self._lock = threading.Lock()
        self._epochs: Counter[tuple[str, str]] = Counter()
        self._generations: Counter[tuple[str, str]] = Counter()
        self._revoked: set[tuple[str, str]] = set()

    def issue(self, platform: Platform, account_id: str) -> Grant:
        """The tokens of an account, as consent would give them now."""
        with self._lock:
            return self._grant(platform, account_id, self._generations[platform, account_id])

    def refresh(self, platform: Platform, token: str) -> Grant:
        """New tokens for a refresh token; with a new refresh token at Microsoft, with the same one elsewhere."""
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
        """New tokens for an access token (Meta), even for one that has expired."""
        claims = self._read(platform, token, "access")
        with self._lock:
            if (platform, claims.account_id) in self._revoked:
                raise TokenRevokedError
            return self._grant(platform, claims.account_id, claims.generation)

    def check(self, platform: Platform, token: str) -> Claims:
        """What a good access token says; raises one of this module's three errors for any other."""
        claims = self._read(platform, token, "access")
        owner = (platform, claims.account_id)
        with self._lock:
            if owner in self._revoked:
                raise TokenRevokedError
            if claims.epoch < self._epochs[owner] or self._clock().timestamp() >= claims.expires:
                raise TokenExpiredError
        return claims

    def expire(self, platform: Platform, account_id: str) -> None:
        """Every access token issued so far is over; refresh tokens stay good."""
        with self._lock:
            self._epochs[platform, account_id] += 1

    def revoke(self, platform: Platform, account_id: str) -> None:
        with self._lock:
            self._revoked.add((platform, account_id))

    def reinstate(self, platform: Platform, account_id: str) -> None:
        """The owner has given consent again."""
        with self._lock:
            self._revoked.discard((platform, account_id))

    def expires_at(self, grant: Grant) -> datetime:
        return self._clock() + timedelta(seconds=grant.expires_in)

    def _grant(self, platform: Platform, account_id: str, generation: int) -> Grant:
        epoch = self._epochs[platform, account_id]
        expires = int(self._clock().timestamp()) + LIFETIMES[platform]
        access = Claims(platform, account_id, "access", generation, epoch, expires)
        refresh = Claims(platform, account_id, "refresh", generation, epoch, 0)
        return Grant(
            _PREFIXES[platform] + self._sign(access), _PREFIXES[platform] + self._sign(refresh), LIFETIMES[platform]
        )

    def _sign(self, claims: Claims) -> str:
        body = json.dumps(asdict(claims)).encode()
        return base64.urlsafe_b64encode(self._seal(body) + body).decode().rstrip("=")

    def _read(self, platform: Platform, token: str, kind: str) -> Claims:
        text = token.removeprefix(_PREFIXES[platform])
        try:
            raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except (ValueError, binascii.Error):
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
