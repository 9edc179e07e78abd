"""The way back of refused lines: replayed as they are or corrected, and opened again. Each kind of object has one.

A replay lands lines as objects of a folder of their own, `{hour of now}/replay-{id}/`, which the ledger names for each
line: so a line leads to its new batch, and a batch of such a folder to its source. The order of effects makes a kill
harmless: the objects are staged in quarantine, the ledger says that their lines are landing (from here on the replay
will be finished, by the next command), they land, the ledger closes the lines. What does not belong here: why a line is
refused.
"""

import gzip
import io
import uuid
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from assets.intake import kept_bytes, refusal
from assets.intake.correction import Correction, CorrectionError
from assets.intake.objects import Identity, identity
from assets.intake.refusal import Refusal
from assets.intake.refused_lines import Batch, Change, Refusals, RefusedLine, Selection, of_one_batch
from assets.intake.zone import Zone
from resources.declined import DeclinedError
from resources.r2 import ObjectStore

T = TypeVar("T")

FOLDER = "replay-"
NOTHING_TO_DO = "nothing: `clearlift quarantine list --closed` shows what they landed as"


class ReopenError(DeclinedError):
    """Lines cannot be opened again now."""


@dataclass
class Replayed:
    """What a replay did.

    object_keys: of the new objects. landed: lines in them. closed: lines that they stand for. left: lines whose cause
    is still there. whole: batches that cannot be read at all. finished: where a replay that was killed has landed,
    which this one found and finished.
    """

    object_keys: list[str] = field(default_factory=list)
    landed: int = 0
    closed: int = 0
    left: list[RefusedLine] = field(default_factory=list)
    whole: list[Batch] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Quarantine:
    """Refused lines of one kind of object of one app.

    zone: where a replay lands. prefix: where bytes are kept. clock: UTC now. judge: gives the refusals of some lines as
    they would be judged now. taken: of objects, those that were ingested. lock: keeps others out. shown: the fields
    whose values people may see. counted: lines without an identity of their own that were counted of a replay, so that
    they must not land twice; None where lines have one.
    """

    store: ObjectStore
    zone: Zone
    prefix: str
    refusals: Refusals
    clock: Callable[[], datetime]
    judge: Callable[[Sequence[bytes]], Iterable[Refusal]]
    taken: Callable[[Sequence[Identity]], Collection[Identity]]
    lock: Callable[[], AbstractContextManager[object]]
    shown: Collection[str]
    counted: Callable[[str], int] | None = None

    def raw(self, lines: Iterable[RefusedLine]) -> Iterator[tuple[RefusedLine, bytes]]:
        """Lines with their original bytes; whole objects are left out."""
        sha256, kept = "", dict[int, bytes]()
        for line in lines:
            if not line.line:
                continue
            if line.sha256 != sha256:
                sha256, kept = line.sha256, kept_bytes.read(self.store, self.prefix, line.sha256)
            yield line, kept[line.line]

    def whole(self, batch: Batch) -> Iterator[bytes]:
        """The bytes of a batch that was refused as a whole, in chunks."""
        return kept_bytes.read_whole(self.store, self.prefix, batch.sha256, batch.object_key)

    def replay(self, chosen: Selection) -> Replayed:
        """Land those of the chosen lines again whose cause is gone. The others stay where they are.

        An object that was refused as a whole has no lines, so it stays open until it is corrected.

        Raises:
            SeveralBatchesError: the selection's batch names more than one.
        """
        with self.lock():
            done = Replayed(finished=self._finish())
            lines = self._chosen(chosen)
            done.whole = [line.batch for line in lines if not line.line]
            for portion in self._portions(self.raw(lines)):
                refused = {judged.line for judged in self.judge([raw for _, raw in portion])}
                # Of somebody who was erased no bytes were kept.
                refused |= {number for number, (_, raw) in enumerate(portion, 1) if not raw}
                cured = [pair for number, pair in enumerate(portion, 1) if number not in refused]
                done.left += [line for number, (line, _) in enumerate(portion, 1) if number in refused]
                if cured:
                    done.object_keys += self._land([line for line, _ in cured], [[raw for _, raw in cured]])
                    done.landed += len(cured)
            done.closed = done.landed
            return done

    def correct(self, chosen: Selection, correction: Correction, *, fewer: bool = False) -> Replayed:
        """Land corrected lines in the place of the chosen ones. `fewer`: they may be fewer than these.

        Raises:
            CorrectionError: they are fewer.
            SeveralBatchesError: the selection's batch names more than one.
        """
        with self.lock():
            done = Replayed(finished=self._finish())
            lines = self._chosen(chosen)
            if not lines:
                return done
            if correction.lines < len(lines) and not fewer:
                raise CorrectionError(
                    f"{len(lines)} chosen, {correction.lines} given: {correction.file} has too few lines",
                    "complete it, or add --fewer where the others are to be given up",
                )
            portions = self._portions((None, line) for line in correction)
            done.object_keys = self._land(lines, ([line for _, line in portion] for portion in portions))
            done.landed, done.closed = correction.lines, len(lines)
            return done

    def closed(self, name: str) -> Sequence[RefusedLine]:
        """Closed lines of one replay, by its folder or a batch in it; else those of one refused batch.

        Raises:
            SeveralBatchesError: the name stands for more than one batch.
        """
        of_replay = self.refusals.lines(Selection(replay=folder_of(name) or name, state="closed"))
        return of_replay or of_one_batch(name, self.refusals.lines(Selection(batch=name, state="closed")))

    def reopen(self, name: str) -> list[RefusedLine]:
        """Open lines again that are `closed` under this name; returns them.

        All lines of a replay are opened together. What was refused of the replay itself is closed, because it came in
        their place.

        Raises:
            ReopenError: the replay waits to be ingested, or it was counted.
            SeveralBatchesError: the name stands for more than one batch.
        """
        with self.lock():
            self._finish()
            closed = self.closed(name)
            replays = sorted({line.replayed_as for line in closed} - {""})
            of_replays = [self.refusals.lines(Selection(replay=replay, state="closed")) for replay in replays]
            opened = list({line: None for lines in (closed, *of_replays) for line in lines})
            self._admit(name, opened, replays)
            in_their_place = [line for replay in replays for line in self.refusals.lines(Selection(batch=replay))]
            self.refusals.write([Change(in_their_place, "", self.clock()), Change(opened, "", None)])
            return opened

    def _admit(self, name: str, opened: Sequence[RefusedLine], replays: Sequence[str]) -> None:
        for replay in replays:
            landed = [identity(info) for info in self.store.list(replay)]
            if set(landed) - set(self.taken(landed)):
                raise ReopenError(
                    f"{replay} is not ingested yet",
                    f"`clearlift run --no-sample`, then `clearlift quarantine reopen {name}`",
                )
        if self.counted is None:
            return
        if any(not line.replayed_as for line in opened):
            raise ReopenError(
                f"nobody knows what was counted of the replay of {name}, so it stays as it is", NOTHING_TO_DO
            )
        if lines := sum(map(self.counted, self._following(replays))):
            raise ReopenError(
                f"{replays[0]} was counted (lines: {lines}), and a further replay would count it twice: the lines of "
                f"{name} stay closed",
                NOTHING_TO_DO,
            )

    def _following(self, replays: Sequence[str]) -> list[str]:
        """Replays, and those of lines that were refused of them, and so on."""
        found = list(replays)
        for replay in found:
            closed = self.refusals.lines(Selection(batch=replay, state="closed"))
            found += sorted({line.replayed_as for line in closed} - {"", *found})
        return found

    def _chosen(self, chosen: Selection) -> Sequence[RefusedLine]:
        lines = self.refusals.lines(chosen)
        return of_one_batch(chosen.batch, lines) if chosen.batch is not None else lines

    def _portions(self, lines: Iterable[tuple[T, bytes]]) -> Iterator[list[tuple[T, bytes]]]:
        """Lines in portions that the zone admits as one object each, with room for the gzip around them."""
        limit = min(self.zone.largest_object, self.zone.largest_batch) // 2
        portion: list[tuple[T, bytes]] = []
        size = 0
        for line in lines:
            if portion and (size + len(line[1]) > limit or len(portion) == refusal.MOST_REFUSED):
                yield portion
                portion, size = [], 0
            portion.append(line)
            size += len(line[1]) + 1
        if portion:
            yield portion

    def _land(self, lines: Sequence[RefusedLine], portions: Iterable[Sequence[bytes]]) -> list[str]:
        """Land portions as the objects of one replay, in the place of some lines; the keys of the objects."""
        # With an id in its bytes, the same lines that are refused and replayed again are another object.
        name = f"{FOLDER}{uuid.uuid4().hex[:16]}"
        for number, portion in enumerate(portions, 1):
            self.store.put(f"{self._staged(name)}/{number:06}.ndjson.gz", _pack(portion, f"{name}-{number}"))
        folder = f"{self.zone.hour_prefix(self.clock())}{name}"
        self.refusals.write([Change(lines, folder, None)])
        return self._land_staged(folder, lines)

    def _land_staged(self, folder: str, lines: Sequence[RefusedLine]) -> list[str]:
        keys = []
        for info in list(self.store.list(self._staged(folder.rpartition("/")[2]))):
            keys.append(f"{folder}/{info.key.rpartition('/')[2]}")
            self.store.put_if_absent(keys[-1], self.store.get(info.key))
            self.store.delete(info.key)
        self.refusals.write([Change(lines, folder, self.clock())])
        return keys

    def _finish(self) -> list[str]:
        """Finish replays that were killed; the folders that they landed in."""
        landing = defaultdict[str, list[RefusedLine]](list)
        for line in self.refusals.lines(Selection(state="landing")):
            landing[line.replayed_as].append(line)
        for folder, lines in landing.items():
            self._land_staged(folder, lines)
        return list(landing)

    def _staged(self, name: str) -> str:
        return f"{self.prefix}replays/{name}"


def folder_of(object_key: str) -> str | None:
    """The folder of the replay that landed an object; None where no replay did."""
    folder = object_key.rpartition("/")[0]
    return folder if folder.rpartition("/")[2].startswith(FOLDER) else None


def _pack(lines: Sequence[bytes], name: str) -> bytes:
    buffer = io.BytesIO()
    with gzip.GzipFile(filename=name, mode="wb", fileobj=buffer, mtime=0) as packed:
        packed.write(b"\n".join(lines) + b"\n")
    return buffer.getvalue()
