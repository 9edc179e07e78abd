"""Counts the requests that this process sends to stores, by store and by the class that a provider charges for. Pure.

What belongs here: the classes, and adding up. What does not: which call is of which class, which its store knows.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping

R2_CLASS_A, R2_CLASS_B = "R2 class A", "R2 class B"
KV_READS, KV_WRITES, KV_DELETES, KV_LISTS = "KV reads", "KV writes", "KV deletes", "KV lists"
D1_ROWS_READ, D1_ROWS_WRITTEN = "D1 rows read", "D1 rows written"

Count = Callable[[str, int], None]
"""Adds requests of a class to those of one store."""


class Meter:
    """Sums by (store, class); safe to share among threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[tuple[str, str]] = Counter()

    def of(self, store: str) -> Count:
        """What adds to the sums of one store."""

        def count(kind: str, number: int) -> None:
            if number:
                with self._lock:
                    self._counts[store, kind] += number

        return count

    def take(self) -> Mapping[tuple[str, str], int]:
        """The sums since they were taken last."""
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return taken

    def put_back(self, taken: Mapping[tuple[str, str], int]) -> None:
        """Add what was taken and could not be noted."""
        with self._lock:
            self._counts.update(taken)


METER = Meter()
"""That of this process: stores count here, whoever opened them."""


def nobody(_kind: str, _number: int) -> None:
    """Counts nothing: for a store that nobody pays for, such as a scratch place."""
