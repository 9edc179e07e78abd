"""What must be written and deleted so that KV holds the wanted values, and for how long each may live. Pure."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

TTL = timedelta(hours=26)
# Each key's life is shortened by its own share of this, so that keys written together do not expire together.
SPREAD = 0.25
# Written again when less than this share of its life is left.
RENEW = 0.25


@dataclass(frozen=True)
class Indexed:
    """What the index says of a key."""

    hash: bytes
    expires_at: datetime


@dataclass(frozen=True)
class Delta:
    """Keys to write, by reason, keys to delete, and how many are right as they are."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    expiring: tuple[str, ...]
    unwanted: tuple[str, ...]
    unchanged: int

    @property
    def writes(self) -> tuple[str, ...]:
        return self.new + self.changed + self.expiring


def digest(value: bytes) -> bytes:
    """What the index remembers of a value."""
    return hashlib.blake2b(value, digest_size=16).digest()


def lifetime(key: str) -> timedelta:
    """How long a key lives: TTL less a jitter that follows from the key."""
    share = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest()) / 2**32
    return TTL * (1 - SPREAD * share)


def compare(wanted: Mapping[str, bytes], index: Mapping[str, Indexed], now: datetime) -> Delta:
    """The delta from what the index says to the wanted values (key → value)."""
    new, changed, expiring, unchanged = [], [], [], 0
    for key, value in wanted.items():
        known = index.get(key)
        if known is None or known.expires_at <= now:
            new.append(key)
        elif known.hash != digest(value):
            changed.append(key)
        elif known.expires_at - now < RENEW * lifetime(key):
            expiring.append(key)
        else:
            unchanged += 1
    unwanted = tuple(key for key in index if key not in wanted)
    return Delta(tuple(new), tuple(changed), tuple(expiring), unwanted, unchanged)
