"""One search as it goes through the stores: what is searched for, what was found and where, what was read.

What belongs here: this record, and what a store's reader calls. What does not: reading a store.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase

from assets.apps import App
from assets.apps.lifecycle import Store
from assets.privacy.identity import Identity
from assets.rooms import Rooms
from assets.search.formats import DamagedError
from assets.search.layers import Layers
from assets.search.needles import CANARY, Counts, Key, Needles
from assets.search.seen import Hit, Stream

Feed = Callable[[bytes], None]
ANOTHERS = "people of other organisations have the same id; their rows stay, and this one's were looked for by rows"


class Look:
    """What the readers of the stores share. By place, `read` counts bytes, and `canaries` those that were found."""

    def __init__(self, rooms: Rooms, app: App, identities: Sequence[Identity], needles: Needles) -> None:
        self.rooms = rooms
        self.app = app
        self.needles = needles
        self.read: Counter[str] = Counter()
        self.canaries: Counter[str] = Counter()
        self._requests = [identity.request for identity in identities]
        # Of an organisation that goes as a whole, the registry's reasons keep nothing.
        self._whole = {identity.request for identity in identities if identity.organisation}
        self._counted: list[tuple[Counts, str, str, Callable[[Key], str]]] = []
        self._unreadable: list[Hit] = []
        self._kept: defaultdict[str, dict[int, str]] = defaultdict(dict)

    @contextmanager
    def text(self, place: str, name: str, *, kept: str = "", exact: bool = True) -> Iterator[Feed]:
        """Takes rows, or other values that a store itself writes as text. kept: why what is found there stays.

        exact: see `Needles.found`.
        """
        counts = Counts()
        stream = Stream(self.needles, counts, exact=exact)
        yield self._reading(place, stream.feed)
        stream.close()
        if kept:
            for key in counts.keys:
                self._kept[place].setdefault(key.text, kept)
        self._found(counts, place, name, lambda _: kept)

    @contextmanager
    def file(self, place: str, name: str) -> Iterator[Feed]:
        """Takes the bytes of a file in which a store keeps its rows: what stays among the rows is in the file too."""
        counts = Counts()
        stream = Stream(self.needles, counts, exact=False)
        yield self._reading(place, stream.feed)
        stream.close()
        self._found(counts, place, name, lambda key: self._kept[place].get(key.text, ""))

    @contextmanager
    def layers(self, place: str, name: str, kept: str = "", damaged: str = "") -> Iterator[Feed]:
        """Takes the bytes of one object, which is unpacked too. One that does not unpack is a hit `unreadable`.

        damaged: why an object that does not unpack stays; empty where it must not be there.
        """
        counts = Counts()
        layers = Layers(self.needles, counts, self.rooms.scratch)
        yield self._reading(place, layers.feed)
        try:
            layers.close()
        except DamagedError:
            shown = self.needles.masked(name)
            self._unreadable += [
                Hit(request, place, shown, "unreadable", 0, kept or damaged) for request in self._requests
            ]
        self._found(counts, place, name, lambda _: kept)

    def name(self, place: str, name: str, kept: str = "") -> None:
        """A name that may say something itself: of an object, a key, a file."""
        with self.text(place, name, kept=kept) as feed:
            feed(name.encode(errors="surrogatepass"))

    def kept(self, store: Store, name: str) -> str:
        """The registry's reason to keep what a table, prefix or key family holds of people; empty where it goes."""
        entries = [entry for entry in self.app.holdings if entry.store == store]
        exact = [entry for entry in entries if entry.name == name]
        found = exact or [entry for entry in entries if fnmatchcase(name, entry.name)]
        return next((entry.reason for entry in found if entry.erasure == "keep"), "")

    def _reading(self, place: str, feed: Feed) -> Feed:
        def reading(data: bytes) -> None:
            self.read[place] += len(data)
            feed(data)

        return reading

    def _found(self, counts: Counts, place: str, name: str, kept: Callable[[Key], str]) -> None:
        if counts:
            self._counted.append((counts, place, name, kept))

    def _why(self, key: Key, kept: Callable[[Key], str]) -> str:
        """Why something stays; empty where it must not be there."""
        if key.request in self._whole:
            return ""
        # A hash of an id together with its organisation is nobody else's.
        return kept(key) or (ANOTHERS if key.text in self.needles.elsewhere and key.encoding != "hash" else "")

    def hits(self) -> list[Hit]:
        """What was found in all stores. To be called once, when all of them were searched: it counts the canaries."""
        hits = list(self._unreadable)
        for counts, place, name, kept in self._counted:
            together: Counter[tuple[str, str, str]] = Counter()
            for key, count in self.needles.judged(counts).items():
                if key.request == CANARY:
                    self.canaries[place] += count
                else:
                    together[key.request, key.encoding, self._why(key, kept)] += count
            shown = self.needles.masked(name) if together else ""
            hits += [
                Hit(request, place, shown, encoding, count, why)
                for (request, encoding, why), count in sorted(together.items())
            ]
        return hits
