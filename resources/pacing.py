"""Token buckets and windows: how many requests a service may get in a time, so that we wait before it refuses one.

No HTTP here.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `burst` requests at once, and `per_second` more each second: burst + t * per_second in any t seconds."""

    per_second: float
    burst: float


class Bucket(Protocol):
    """What a request waits for: a token."""

    def take(self) -> float:
        """Wait for a token; returns the seconds that it waited."""


class TokenBucket:
    """One bucket, shared by threads. Each caller reserves its tokens, then sleeps until they are there."""

    def __init__(
        self, rate: Rate, *, clock: Callable[[], float] = time.monotonic, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        if rate.per_second <= 0 or rate.burst < 1:
            raise ValueError(f"a token bucket needs a positive rate and a burst of one request or more, not {rate}")
        self._rate = rate
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._tokens = rate.burst
        self._filled_at = clock()
        self._closed_until = self._filled_at

    def take(self, tokens: float = 1.0) -> float:
        """Wait for `tokens`; returns the seconds that it waited."""
        with self._lock:
            now = self._clock()
            refill = (now - self._filled_at) * self._rate.per_second
            self._tokens = min(self._rate.burst, self._tokens + refill) - tokens
            self._filled_at = now
            wait = max(0.0, -self._tokens / self._rate.per_second, self._closed_until - now)
        if wait > 0:
            self._sleep(wait)
        return wait

    def close_for(self, seconds: float) -> None:
        """Let no request pass for `seconds`, because the service asked for it."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock() + seconds)


class SlidingWindow:
    """At most `most` requests in any `seconds`, shared by threads: for a service that counts so.

    A token bucket that never exceeds that many in such a time lets only half of them through in the long run.
    """

    def __init__(
        self,
        most: int,
        seconds: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._sent: deque[float] = deque(maxlen=most)

    def take(self) -> float:
        """Wait until one more request may be sent; returns the seconds that it waited."""
        with self._lock:
            now = self._clock()
            is_full = len(self._sent) == self._sent.maxlen
            at = max(now, self._sent[0] + self._seconds) if is_full else now
            self._sent.append(at)
        if at > now:
            self._sleep(at - now)
        return at - now


class Pacing:
    """Token buckets by key (an account, an end point): at the rate in `rates`, else at the `default` rate.

    Each request waits for a token of `together` too, which all keys share.
    """

    def __init__(
        self,
        default: Rate,
        rates: Mapping[str, Rate] | None = None,
        *,
        together: Bucket | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._default = default
        self._rates = dict(rates or {})
        self._together = together
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._buckets: dict[str, TokenBucket] = {}

    def take(self, key: str) -> None:
        """Wait until a request for `key` may be sent."""
        self.bucket(key).take()
        # After the other wait, because a token that is held meanwhile would be lost to other keys.
        if self._together is not None:
            self._together.take()

    def bucket(self, key: str) -> TokenBucket:
        """The bucket of `key`; full at its first use."""
        with self._lock:
            if key not in self._buckets:
                rate = self._rates.get(key, self._default)
                self._buckets[key] = TokenBucket(rate, clock=self._clock, sleep=self._sleep)
            return self._buckets[key]
