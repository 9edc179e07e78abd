"""What providers ask for requests and storage, as data with its date. Pure.

What belongs here: prices as they were read, and what is included each month. What does not: how much was used
(cost.py).
"""

from dataclasses import dataclass
from datetime import date

from resources.meter import (
    D1_ROWS_READ,
    D1_ROWS_WRITTEN,
    KV_DELETES,
    KV_LISTS,
    KV_READS,
    KV_WRITES,
    R2_CLASS_A,
    R2_CLASS_B,
)

READ_ON = date(2026, 11, 29)
SOURCE = "Cloudflare's price list for the Workers paid plan"
MILLION, GB = 10**6, 10**9


@dataclass(frozen=True)
class Price:
    """Dollars for `per` of something, of which `included` a month cost nothing."""

    dollars: float
    per: int
    included: float

    def of(self, used: float) -> float:
        """What so much in a month costs, in dollars."""
        return max(0.0, used - self.included) / self.per * self.dollars


REQUESTS = {
    R2_CLASS_A: Price(4.50, MILLION, 1 * MILLION),
    R2_CLASS_B: Price(0.36, MILLION, 10 * MILLION),
    KV_READS: Price(0.50, MILLION, 10 * MILLION),
    KV_WRITES: Price(5.00, MILLION, 1 * MILLION),
    KV_DELETES: Price(5.00, MILLION, 1 * MILLION),
    KV_LISTS: Price(5.00, MILLION, 1 * MILLION),
    D1_ROWS_READ: Price(0.001, MILLION, 25_000 * MILLION),
    D1_ROWS_WRITTEN: Price(1.00, MILLION, 50 * MILLION),
}
"""By class of request; what is included is of the whole account."""
STORAGE = {"r2": Price(0.015, GB, 10 * GB), "kv": Price(0.50, GB, 1 * GB), "d1": Price(0.75, GB, 5 * GB)}
"""By kind of store, a GB and month."""
