"""Making variants: every upload that the ledger wants is cleaned and gets its variants, or it is refused.

The order of the writes makes a kill harmless. Made: the cleaned upload, its variants, the ledger. Refused: a copy in
quarantine, the ledger, the emptied upload. Gone: its objects, the ledger. An upload is replaced only if it is still the
object that was read, so that a newer upload is never lost. When a step is repeated after a kill, it writes the same
bytes.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeVar

from assets.apps import App, Media
from assets.media import naming
from assets.media.containers import ImageRefusedError, RefusalReason
from assets.media.decoders import Make
from assets.media.follow import follow
from assets.media.ledger import ImageLedger
from assets.media.plan import KnownImage
from assets.progress import Progress, silent
from assets.rooms import Rooms
from resources.counts import counted
from resources.postgres import Postgres
from resources.r2 import ObjectInfo, ObjectNotFoundError, ObjectStore, ObjectStoreError

T = TypeVar("T")

MOST_BYTES = 32 * 2**20
# How many uploads are in memory at once: while some are read and written, others are decoded.
AT_ONCE = 4


class MediaError(RuntimeError):
    """Some uploads could not be settled. The message says how many and why, and names none of them."""


@dataclass
class MediaRun:
    """What a run did.

    made, bytes_in, bytes_out: uploads that got variants, and the bytes of both. refused: uploads by reason. removed:
    uploads that were gone. overtaken: uploads that were replaced during the run. failed: uploads by error. folders:
    where uploads were settled; they name users.
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
    """The engine. make: that of variants.py or of Decoders. clock: gives the present time in UTC."""

    app: str
    media: Media
    store: ObjectStore
    postgres: Postgres
    clock: Callable[[], datetime]
    make: Make
    progress: Progress = silent

    def run(self, *, sweep: bool = False) -> MediaRun:
        """Read the next part of the listing (`sweep`: all of it), then settle every upload that the ledger wants.

        Raises:
            MediaError: a store failed for some uploads. They stay wanted; the others are settled.
        """
        ledger, done = ImageLedger(self.postgres, self.app, self.clock), MediaRun()
        with self.postgres.lock(lock_of(self.app)), ThreadPoolExecutor(AT_ONCE) as threads:
            done.listed, done.marked = nameless(lambda: follow(self.store, ledger, self.media, sweep=sweep))
            total, _ = ledger.waiting()
            for number, settled in enumerate(self._settled(ledger, threads), 1):
                _count(done, settled)
                self.progress(number, max(total, number))
        if done.failed:
            raise MediaError(f"{counted(done.failed.total(), 'upload')} not settled, still wanted: {dict(done.failed)}")
        return done

    def _settled(self, ledger: ImageLedger, threads: ThreadPoolExecutor) -> Iterator["Settled"]:
        for page in ledger.to_do():
            yield from threads.map(lambda upload: self._settle(ledger, upload), page)

    def _settle(self, ledger: ImageLedger, upload: KnownImage) -> "Settled":
        try:
            if upload.state == "gone":
                return self._remove(ledger, upload)
            return self._judge(ledger, upload, self.store.head(upload.key))
        except ObjectNotFoundError:
            return Settled(upload, "overtaken")
        except (ObjectStoreError, OSError) as error:
            return Settled(upload, "failed", type(error).__name__)

    def _judge(self, ledger: ImageLedger, upload: KnownImage, seen: ObjectInfo) -> "Settled":
        if upload.reason is not None:
            # It is refused for its name: only the object that the listing showed, not a variant that was written later.
            if seen.etag != upload.etag:
                return Settled(upload, "overtaken")
            return self._refuse(ledger, upload, seen, RefusalReason(upload.reason))
        if seen.size > MOST_BYTES:
            return self._refuse(ledger, upload, seen, RefusalReason.TOO_LARGE)
        data = self.store.get(upload.key)
        try:
            made = self.make(data, naming.PROMISED[naming.ending(upload.key)], self.media)
        except ImageRefusedError as refused:
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

    def _refuse(self, ledger: ImageLedger, upload: KnownImage, seen: ObjectInfo, reason: RefusalReason) -> "Settled":
        copy = naming.quarantined(upload.key)
        if seen.size:
            self.store.copy(upload.key, copy)
        if upload.reason is None:
            # Variants of an earlier upload with this key.
            self.store.delete(naming.variants(self.media, upload.key).values())
        if not ledger.refused(upload, reason, seen.size):
            if not upload.kept:
                self.store.delete(copy)
            return Settled(upload, "overtaken")
        if seen.size and self.store.replace(upload.key, b"", seen.etag or "") is None:
            return Settled(upload, "overtaken")
        return Settled(upload, "refused", reason.value)

    def _remove(self, ledger: ImageLedger, upload: KnownImage) -> "Settled":
        if self.store.exists(upload.key):
            return Settled(upload, "overtaken")
        if upload.reason is None:
            self.store.delete(naming.variants(self.media, upload.key).values())
        self.store.delete(naming.quarantined(upload.key))
        ledger.forget(upload)
        return Settled(upload, "removed")


@dataclass(frozen=True)
class Settled:
    """The result for one upload. why: the reason of a refusal, the type of an error."""

    upload: KnownImage
    how: Literal["made", "refused", "removed", "overtaken", "failed"]
    why: str = ""
    bytes_in: int = 0
    bytes_out: int = 0


def of(rooms: Rooms, app: App, media: Media, make: Make) -> Making:
    """The engine over the media of an app."""
    progress = rooms.progress("images made smaller")
    return Making(app.name, media, rooms.object_store, rooms.postgres, rooms.clock, make, progress)


def lock_of(app: str) -> str:
    """The name of the lock under which the media of an app are changed."""
    return f"{app}.media"


def nameless(call: Callable[[], T]) -> T:
    """The result of `call`. An error of the store loses its text, because it names keys, and keys name users."""
    try:
        return call()
    except (ObjectStoreError, ObjectNotFoundError) as error:
        raise MediaError(f"the object store failed: {type(error).__name__}") from None


def _count(run: MediaRun, settled: Settled) -> None:
    run.folders.add(settled.upload.key.rpartition("/")[0] + "/")
    match settled.how:
        case "made":
            run.made += 1
            run.bytes_in += settled.bytes_in
            run.bytes_out += settled.bytes_out
        case "refused":
            run.refused[settled.why] += 1
        case "removed":
            run.removed += 1
        case "overtaken":
            run.overtaken += 1
        case "failed":
            run.failed[settled.why] += 1
