"""What a search found, and one stream of bytes that is searched piece by piece. Pure.

What belongs here: counting, and pieces that an occurrence may lie across. What does not: what is searched for
(needles.py).
"""

from dataclasses import dataclass

from assets.search.encodings import Encoding
from assets.search.needles import CONTEXT, Counts, Needles

HEAD_BYTES = 8192


@dataclass(frozen=True)
class Hit:
    """Where a searched person is named, without what names them.

    request: the id of the request that asks. place: the store. name: the object, table, key or file, with … for what
    is searched for. encoding: how it lies there; `unreadable` where nobody can say whether it does. count: how often.
    kept: the registry's reason why it stays; empty where it must not be there.
    """

    request: str
    place: str
    name: str
    encoding: Encoding | str
    count: int
    kept: str = ""


class Stream:
    """Bytes that belong together, fed in pieces of any size. Memory stays at a piece.

    exact: see `Needles.found`; None is decided by the first bytes, because text has no NUL.
    """

    def __init__(self, needles: Needles, counts: Counts, *, exact: bool | None = None) -> None:
        self._needles = needles
        self._counts = counts
        self._exact = exact
        self._kept = b""
        self._done = 0

    def feed(self, data: bytes) -> None:
        """The next piece."""
        if self._exact is None and data:
            self._exact = b"\0" not in data[:HEAD_BYTES]
        self._look(self._kept + data if self._kept else data, CONTEXT)

    def close(self) -> None:
        """The last bytes, which have no neighbours behind them."""
        self._look(self._kept, 0)

    def _look(self, data: bytes, held_back: int) -> None:
        end = max(self._done, len(data) - held_back)
        self._needles.count(self._counts, data, self._done, end, exact=bool(self._exact))
        begin = max(0, end - self._needles.longest - CONTEXT)
        self._kept, self._done = data[begin:], end - begin
