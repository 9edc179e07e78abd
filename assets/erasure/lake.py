"""Erasing people from the lake tables of an app: each live one, and the one beside it that a restore made.

Only files that hold one of them are rewritten, once for all of them. The commit replaces exactly these files, so that
no day is counted again. Most of it is done while others write. Under the lock of who brings rows it is done for what
was on its way, older snapshots expire, and what only they needed is removed at once. A run that is killed leaves files,
by which the next one sees what is left to do. What does not belong here: which files hold them (lake_search.py).
"""

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import polars as pl

from assets.apps import App
from assets.erasure.erased_people import ErasedPeople
from assets.erasure.lake_search import Found, LakeSearch, total
from assets.events import pruned
from assets.events.ledger import IngestLedger
from assets.lake_tables import AppTable, lake_tables
from assets.privacy.identity import Erased, Identity
from assets.retention.deletion import Deletion
from assets.retention.lake import LakeDays
from assets.retention.log import DeletionLog
from assets.retention.run import settle
from assets.rollups.follow import follow
from assets.rooms import Rooms
from assets.rows.lake import aside
from assets.upkeep.keep import GRACE_HOURS, LONGEST_RUN
from resources.chunks import chunked, chunked_by_size
from resources.counts import counted
from resources.declined import DeclinedError
from resources.lake import FileInfo, LakeTable, PartitionKey, Rewritten, SourcesGoneError
from resources.lake.checksum import has_fingerprint
from resources.lake.forget import forget, require_free
from resources.lake.sweep import UNKNOWN_AGE, StoredFile, location, path_of, survey
from resources.sql_files import read_sql

REPLANS = 5
# So much is rewritten for one commit: a kill loses the work on it at most.
COMMIT_BYTES = 4 * 2**30
FILES_AT_ONCE = 256
PARALLEL = 3
ERASURE = "erasure"


class StillWrittenError(DeclinedError):
    """A file of another engine names somebody, and that engine may be about to commit it."""

    retryable = True


def eraser(rooms: Rooms, app: App) -> "LakeEraser | None":
    """The Eraser of an app's lake tables; None for an app without any."""
    return LakeEraser(rooms, app) if lake_tables(app) else None


@dataclass(frozen=True)
class LakeEraser:
    """The lake tables of an app."""

    rooms: Rooms
    app: App

    @property
    def place(self) -> str:
        """See Eraser."""
        return f"lake {', '.join(table.title for table in lake_tables(self.app))}"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser. objects: data files that held somebody.

        Raises:
            KeptByReferenceError: a branch or tag keeps files that hold somebody; nothing was changed.
            DeclinedError: live files cannot be read, so that nobody knows whom they hold; others were written again.
            StillNeededError: see forget.
            StillWrittenError: another engine may be about to commit a file that holds somebody.
        """
        people, done = ErasedPeople.of(identities, self.app.name), Erased(self.place)
        run = ", ".join(sorted(identity.request for identity in identities))
        for entry in lake_tables(self.app) if people else ():
            for spec in (entry.spec, aside(entry.spec)):
                if self.rooms.lake.exists(spec):
                    table, is_live = self.rooms.lake.table(spec), spec is entry.spec
                    done = done.plus(_Erasure(self.rooms, self.app, entry, table, people, run, is_live).run())
        return done


@dataclass
class _Erasure:
    """The erasure from one table. entry: what it is, or is a copy of. is_live: whether rows are brought to it."""

    rooms: Rooms
    app: App
    entry: AppTable
    table: LakeTable
    people: ErasedPeople
    run_name: str
    is_live: bool

    def __post_init__(self) -> None:
        self._search = LakeSearch(self.table, self.people, self.entry.holding)
        self._done = Erased("")
        self._found: dict[str, Found] = {}
        self._clean: set[str] = set()
        self._damaged: list[DeclinedError] = []

    def run(self) -> Erased:
        """Rewrite, then forget."""
        others = self._others()
        held = self._held()
        if not (held or self._damaged or others.holding):
            return self._finished(others)
        require_free(self.table, others.holding | self._stored(held))
        self._rewrite()
        if self._damaged:
            raise DeclinedError.together(self._damaged)
        with self._alone():
            self._rewrite()
            since = self.table.fence_off()
            while self._is_counted and follow(self.app, self.table, self.rooms.postgres, self.rooms.clock):
                pass
            others = self._others()
            forget(self.table, since, others.holding)
        self._done = replace(self._done, objects=len(others.holding))
        return self._finished(others)

    def _finished(self, others: "_Others") -> Erased:
        if others.foreign:
            raise StillWrittenError(
                f"another engine has written {counted(len(others.foreign), 'file')} below {self._title} that hold "
                f"somebody, and may be about to commit them, e.g. {others.foreign[0]}",
                f"run the same again in {LONGEST_RUN / timedelta(hours=1):g} hours",
            )
        return replace(self._done, gone_by=others.gone_by)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """No row comes, nothing is pruned, and what killed runs left is settled, because that needs old snapshots."""
        if not self.is_live:
            yield
            return
        postgres, clock = self.rooms.postgres, self.rooms.clock
        deletion = Deletion(self.app.name, self.entry.lifecycle, clock(), dry_run=False)
        with postgres.lock(self.entry.lock), postgres.lock(deletion.lock):
            if self._is_counted:
                log = DeletionLog(postgres, self.app.name, self.run_name, clock)
                settle(LakeDays.of(self.rooms, self.app, deletion, log), deletion, log)
                IngestLedger(postgres, self.app.name).settle(self.table, clock())
            yield

    def _rewrite(self) -> None:
        """Rewrite live files until none holds anybody.

        Raises:
            SourcesGoneError: others replaced files each time.
        """
        for attempt in range(REPLANS):
            held = self._held()
            try:
                for some in chunked_by_size(held.values(), lambda each: each[0].bytes, most_size=COMMIT_BYTES):
                    self._replace(some)
            except SourcesGoneError:
                if attempt == REPLANS - 1:
                    raise
                continue
            return

    def _held(self) -> dict[str, tuple[FileInfo, Found]]:
        """The live files that hold somebody, by path. What was looked at before is known."""
        live = {info.path: info for info in self.table.files()}
        new = [info for path, info in live.items() if path not in self._found and path not in self._clean]
        progress, looked_at = self.rooms.progress(f"{self._title}: files searched"), 0
        for some in chunked(new, FILES_AT_ONCE):
            found, damaged = self._search.live(some)
            self._found |= found
            self._damaged += damaged
            self._clean |= {info.path for info in some} - found.keys()
            looked_at += len(some)
            progress(looked_at, len(new))
        return {path: (info, self._found[path]) for path, info in live.items() if path in self._found}

    def _replace(self, held: Sequence[tuple[FileInfo, Found]]) -> None:
        """Replace files by what they hold of others, in one commit."""
        infos, found = zip(*held, strict=True)
        with ThreadPoolExecutor(PARALLEL) as workers:
            rewritten = workers.map(self._without, infos, found, self.table.each(infos))
            made = [part for parts in rewritten for part in parts]
        for empty in (part for part in made if not part.rows):
            self.table.discard(empty.file)
        files = [part.file for part in made if part.rows]
        if self._is_counted:
            self._note(total(found))
        self.table.replace(infos, files, str(uuid.uuid4()), {pruned.WRITER: ERASURE})
        self._clean |= {file.file_path for file in files}
        self._done = replace(
            self._done,
            rows=self._done.rows + sum(of_file.rows for of_file in found),
            written=self._done.written + sum(file.file_size_in_bytes for file in files),
        )

    def _without(self, info: FileInfo, found: Found, rows: pl.LazyFrame) -> list[Rewritten]:
        """A file written again, a new one a partition; none where all of it is theirs."""
        if found.rows == info.rows:
            return []
        rows = rows.filter(~self._search.own).with_columns(self._search.emptied(found))
        if info.partition is None:
            return self.table.rewrite_apart(info, rows)
        return [self.table.rewrite(info.partition, [info], rows)]

    def _note(self, events: Mapping[PartitionKey, int]) -> None:
        """Record how many events go, before they do, because roll-ups that hold them are no fault from then on."""
        # Of an organisation that goes as a whole nothing is compared any more, and its tag must stand nowhere.
        keys = sorted(key for key in events if key.tenant not in self.people.organisations)
        self.rooms.postgres.execute(
            read_sql("erasure/note_events.sql"),
            {
                "app": self.app.name,
                "name": ".".join(self.table.spec.identifier),
                "places": [f"{key.tenant} {key.day}" for key in keys],
                "rows": [events[key] for key in keys],
                "run": self.run_name,
                "at": self.rooms.clock(),
            },
        )

    def _others(self) -> "_Others":
        """The data files below the table that are not live and hold somebody. What was looked at before is known."""
        files, table = survey(self.table, UNKNOWN_AGE), self.table.load()
        live = self._stored(info.path for info in self.table.files())
        held, clean = self._stored(self._found), self._stored(self._clean)
        unneeded = {file.path for file in (*files.old, *files.young)}
        candidates = [
            file
            for file in (*files.reached, *files.old, *files.young)
            if file.path.endswith(".parquet") and file.path not in live | clean
        ]
        found = _Others(held.intersection(file.path for file in candidates))
        recent = self.rooms.clock() - LONGEST_RUN
        for some in chunked((file for file in candidates if file.path not in held), FILES_AT_ONCE):
            holds = self._search.others([location(table, file.path) for file in some])
            for file, of_file in zip(some, holds, strict=True):
                is_being_written = file.path in unneeded and file.modified > recent
                if of_file is None and is_being_written:
                    found.unfinished.append(file)
                elif of_file and is_being_written and not has_fingerprint(file.path):
                    found.foreign.append(file.path)
                elif of_file is not False:
                    found.holding.add(file.path)
        return found

    @property
    def _is_counted(self) -> bool:
        """Whether roll-ups are made of it, and the ledger knows what was on its way to it."""
        return self.is_live and self.entry.is_landed

    def _stored(self, paths: Iterable[str]) -> set[str]:
        """The paths in the store of files that the table names."""
        table = self.table.load()
        return {path_of(table, path) for path in paths}

    @property
    def _title(self) -> str:
        return ".".join(self.table.spec.identifier)


@dataclass
class _Others:
    """Files that no live snapshot needs, as paths in the store.

    holding: they hold somebody, or nobody can tell. unfinished: they cannot be read, and somebody may be writing them.
    foreign: they hold somebody, and another engine may be about to commit them.
    """

    holding: set[str] = field(default_factory=set)
    unfinished: list[StoredFile] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    @property
    def gone_by(self) -> date | None:
        """When the upkeep has removed what a killed run left half written."""
        latest = max((file.modified for file in self.unfinished), default=None)
        return None if latest is None else (latest + timedelta(hours=GRACE_HOURS + 24)).date()
