"""Making variants: every upload that the ledger wants is cleaned, made and settled, or refused and put away.

The order of effects is what makes a kill harmless. Made: the upload cleaned in its place, its variants, the ledger.
Refused: a copy in quarantine, the ledger, the upload emptied. Gone: its objects, the ledger. An upload is replaced only
where it is still the object that was seen, so that one which arrives meanwhile is never lost. Done again after a kill,
each step gives the same bytes.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

from assets.apps import Media
from assets.media import naming
from assets.media.containers import Reason, RefusedError
from assets.media.decoders import Make
from assets.media.follow import follow
from assets.media.ledger import Ledger
from assets.media.plan import Known
from assets.progress import Progress, silent
from resources.postgres import Postgres
from resources.r2 import ObjectInfo, ObjectNotFoundError, ObjectStore, ObjectStoreError

T = TypeVar("T")

MOST_BYTES = 32 * 2**20
# Uploads that are in memory at once; while some are moved, others are decoded.
AT_ONCE = 4


class MediaError(RuntimeError):
    """Some uploads could not be settled; says how many and why, and names none of them."""


@dataclass
class Done:
    """What a run did: uploads made (with bytes), refused by reason, removed, overtaken by a newer one, failed by error.

    folders: those that were touched; they name users.
    """

    listed: int = 0
    marked: int = 0
    made: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    removed: int = 0
    overtaken: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    bytes_in: int = 0
    bytes_out: int = 0
    folders: set[str] = field(default_factory=set)


@dataclass
class Making:
    """The engine over its stores. `make` is that of variants.py or of Decoders; `clock` gives UTC now."""

    app: str
    media: Media
    store: ObjectStore
    postgres: Postgres
    clock: Callable[[], datetime]
    make: Make
    progress: Progress = silent

    def run(self, *, sweep: bool = False) -> Done:
        """Take in a stretch of the listing (`sweep`: all of it), then settle whatever the ledger wants.

        Raises:
            MediaError: a store failed for some uploads; the others are settled, and these are wanted still.
        """
        ledger, done = Ledger(self.postgres, self.app, self.clock), Done()
        with self.postgres.lock(lock_of(self.app)), ThreadPoolExecutor(AT_ONCE) as threads:
            done.listed, done.marked = nameless(lambda: follow(self.store, ledger, self.media, sweep=sweep))
            total, _ = ledger.waiting()
            for number, settled in enumerate(self._settled(ledger, threads), 1):
                _count(done, settled)
                self.progress(number, max(total, number))
        if done.failed:
            raise MediaError(f"{done.failed.total()} uploads are wanted still: {dict(done.failed)}")
        return done

    def _settled(self, ledger: Ledger, threads: ThreadPoolExecutor) -> Iterator["Settled"]:
        for page in ledger.to_do():
            yield from threads.map(lambda upload: self._settle(ledger, upload), page)

    def _settle(self, ledger: Ledger, upload: Known) -> "Settled":
        try:
            if upload.state == "gone":
                return self._remove(ledger, upload)
            return self._judge(ledger, upload, self.store.head(upload.key))
        except ObjectNotFoundError:
            return Settled(upload, "overtaken")
        except (ObjectStoreError, OSError) as error:
            return Settled(upload, "failed", type(error).__name__)

    def _judge(self, ledger: Ledger, upload: Known, seen: ObjectInfo) -> "Settled":
        if upload.reason is not None:
            # Refused for its name: the very object that the listing showed, not a variant put there since.
            if seen.etag != upload.etag:
                return Settled(upload, "overtaken")
            return self._refuse(ledger, upload, seen, Reason(upload.reason))
        if seen.size > MOST_BYTES:
            return self._refuse(ledger, upload, seen, Reason.TOO_LARGE)
        data = self.store.get(upload.key)
        try:
            made = self.make(data, naming.PROMISED[naming.ending(upload.key)], self.media)
        except RefusedError as refused:
            return self._refuse(ledger, upload, seen, refused.reason)
        etag: str | None = seen.etag or ""
        if made.cleaned != data:
            etag = self.store.replace(upload.key, made.cleaned, seen.etag or "")
        if etag is None:
            return Settled(upload, "overtaken")
        etags = {}
        for name, key in naming.variants(self.media, upload.key).items():
            self.store.put(key, made.variants[name])
            etags[name] = self.store.head(key).etag or ""
        if upload.kept:
            self.store.delete(naming.quarantined(upload.key))
        sizes = (len(data), sum(map(len, made.variants.values())))
        settled = ledger.made(upload, etag, etags, sizes, (made.width, made.height))
        return (
            Settled(upload, "made", bytes_in=sizes[0], bytes_out=sizes[1]) if settled else Settled(upload, "overtaken")
        )

    def _refuse(self, ledger: Ledger, upload: Known, seen: ObjectInfo, reason: Reason) -> "Settled":
        copy = naming.quarantined(upload.key)
        if seen.size:
            self.store.copy(upload.key, copy)
        if upload.reason is None:
            # Of what was there before it.
            self.store.delete(naming.variants(self.media, upload.key).values())
        if not ledger.refused(upload, reason, seen.size):
            if not upload.kept:
                self.store.delete(copy)
            return Settled(upload, "overtaken")
        if seen.size and self.store.replace(upload.key, b"", seen.etag or "") is None:
            return Settled(upload, "overtaken")
        return Settled(upload, "refused", reason.value)

    def _remove(self, ledger: Ledger, upload: Known) -> "Settled":
        if self.store.exists(upload.key):
            return Settled(upload, "overtaken")
        if upload.reason is None:
            self.store.delete(naming.variants(self.media, upload.key).values())
        self.store.delete(naming.quarantined(upload.key))
        ledger.forget(upload)
        return Settled(upload, "removed")


@dataclass(frozen=True)
class Settled:
    """What became of one upload; why: the reason of a refusal, the kind of an error."""

    upload: Known
    how: Literal["made", "refused", "removed", "overtaken", "failed"]
    why: str = ""
    bytes_in: int = 0
    bytes_out: int = 0


def lock_of(app: str) -> str:
    """The name of the lock under which an application's media are changed."""
    return f"{app}.media"


def nameless(ask: Callable[[], T]) -> T:
    """What `ask` gives; a store's error without its text, which names keys, and keys name users."""
    try:
        return ask()
    except (ObjectStoreError, ObjectNotFoundError) as error:
        raise MediaError(f"the object store failed: {type(error).__name__}") from None


def _count(done: Done, settled: Settled) -> None:
    done.folders.add(settled.upload.key.rpartition("/")[0] + "/")
    match settled.how:
        case "made":
            done.made += 1
            done.bytes_in += settled.bytes_in
            done.bytes_out += settled.bytes_out
        case "refused":
            done.refused[settled.why] += 1
        case "removed":
            done.removed += 1
        case "overtaken":
            done.overtaken += 1
        case "failed":
            done.failed[settled.why] += 1
