"""Which data files of a lake table hold people, and where in them.

Live files are read as the table has them, all others by their own columns of text: a file of an old snapshot, one that
no commit names, one of deleted values. What belongs here: looking. What does not: rewriting and removing (lake.py).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import polars as pl

from assets.apps.personal import Holding
from assets.erasure.erased_people import ErasedPeople
from assets.privacy.replacement import replacement
from assets.rows.lake_columns import lake_columns
from resources.lake import DamagedFilesError, FileInfo, LakeTable, PartitionKey
from resources.lake.proof import UNREADABLE

T = TypeVar("T")
R = TypeVar("R")
AT_ONCE = 4
BATCH_ROWS = 100_000
_OWN, _DAY = "\0own", "\0day"


@dataclass(frozen=True)
class Found:
    """What a live file holds of them.

    rows: theirs. events: how many different ids these have, by partition. texts: by column, the texts in rows of others
    that name them. hidden: whether columns or deletes that no reader sees name them.
    """

    rows: int = 0
    events: Mapping[PartitionKey, int] = field(default_factory=dict)
    texts: Mapping[str, frozenset[str]] = field(default_factory=dict, repr=False)
    hidden: bool = False

    def __bool__(self) -> bool:
        return bool(self.rows or self.texts or self.hidden)


class LakeSearch:
    """The search for people in one table. `holding` says whose its rows are, and which columns may name somebody."""

    def __init__(self, table: LakeTable, people: ErasedPeople, holding: Holding) -> None:
        self._table = table
        self._people = people
        self._holding = holding

    @cached_property
    def own(self) -> pl.Expr:
        """Whether a row is theirs."""
        columns = lake_columns(self._table.layout)
        return self._people.owned(columns, self._holding.subjects, self._table.spec.tenant)

    def emptied(self, found: Found) -> list[pl.Expr]:
        """The columns of a file in whose texts others name them, with these texts emptied, or replaced by another one
        where the column must have a value.
        """
        required = {column.name for column in self._table.spec.columns if column.required}
        made = []
        for name, texts in found.texts.items():
            instead = {text: replacement(text) if name in required else None for text in texts}
            made.append(pl.col(name).replace(list(instead), pl.Series(list(instead.values()), dtype=pl.String)))
        return made

    def live(self, files: Sequence[FileInfo]) -> tuple[dict[str, Found], list[DamagedFilesError]]:
        """What live files hold, by path, without those that hold nothing; and what is wrong with unreadable ones."""
        frames = self._table.each(info.file for info in files)
        looked_at = _at_once(self._look, zip(files, frames, strict=True))
        found = {i.path: f for i, f in zip(files, looked_at, strict=True) if isinstance(f, Found)}
        hidden = self._hidden([info for info in files if info.path in found])
        of_all = {path: replace(of_file, hidden=path in hidden) for path, of_file in found.items()}
        damaged = [f for f in looked_at if isinstance(f, DamagedFilesError)]
        return {path: of_file for path, of_file in of_all.items() if of_file}, damaged

    def others(self, paths: Sequence[str]) -> list[bool | None]:
        """Whether other Parquet files below the table name them, in the order of their paths; None: unreadable."""
        return _at_once(self._names, self._table.texts(paths))

    def _look(self, of: tuple[FileInfo, pl.LazyFrame]) -> Found | DamagedFilesError:
        info, rows = of
        if info.partition is not None and info.partition.tenant in self._people.organisations:
            return Found(info.rows, {info.partition: info.rows})
        within = self._people.within
        if within and info.partition is not None and info.partition.tenant not in within:
            return Found()
        try:
            return self._found(rows)
        except UNREADABLE as error:
            return self._damage(info, error)

    def _damage(self, info: FileInfo, error: BaseException) -> DamagedFilesError:
        try:
            with self._table.named([info.file]):
                raise error
        except DamagedFilesError as damage:
            return damage

    def _found(self, rows: pl.LazyFrame) -> Found:
        spec, texts = self._table.spec, self._texts
        count, events, named = 0, Counter[PartitionKey](), dict[str, set[str]]()
        day = pl.col(spec.time).dt.date().alias(_DAY)
        concerned = self._people.concerned(spec.tenant)
        wanted = rows.select(*dict.fromkeys((spec.tenant, spec.id, *texts)), day, self.own.alias(_OWN))
        for batch in wanted.collect_batches(chunk_size=BATCH_ROWS, engine="streaming"):
            own, others = batch.filter(pl.col(_OWN)), batch.filter(~pl.col(_OWN) & concerned)
            count += own.height
            for tenant, at, ids in own.group_by(spec.tenant, _DAY).agg(pl.col(spec.id).n_unique()).iter_rows():
                events[PartitionKey(tenant, at)] += ids
            for name in texts:
                if found := self._people.naming(others[name]):
                    named.setdefault(name, set()).update(found)
        return Found(count, events, {name: frozenset(of_column) for name, of_column in named.items()})

    @cached_property
    def _texts(self) -> list[str]:
        """The columns of text that may name somebody; what the registry does not know may."""
        impersonal = self._holding.impersonal_columns
        return [n for n, dtype in self._table.layout.schema.items() if dtype == pl.String and n not in impersonal]

    def _hidden(self, files: Sequence[FileInfo]) -> set[str]:
        """The files with values of dropped columns that name them, or with deletes that say which rows were theirs."""
        paths = sorted({d.file_path for info in files for d in info.deletes if d.file_path.endswith(".parquet")})
        deletes = {path for path, holds in zip(paths, self.others(paths), strict=True) if holds}
        left_over = self._table.left_over_texts([info.file for info in files])
        return {
            *(info.path for info in files if any(delete.file_path in deletes for delete in info.deletes)),
            *(path for path, rows in left_over.items() if self._names(rows)),
        }

    def _names(self, rows: pl.LazyFrame) -> bool | None:
        whole = sorted(self._people.whole)
        try:
            if self._people.within and self._table.spec.tenant in rows.collect_schema().names():
                rows = rows.filter(self._people.concerned(self._table.spec.tenant))
            return any(
                column.is_in(whole).any() or self._people.naming(column)
                for batch in rows.collect_batches(chunk_size=BATCH_ROWS, engine="streaming")
                for column in batch
            )
        except FileNotFoundError:
            return False  # another sweep removed it
        except UNREADABLE:
            return None


def _at_once(do: Callable[[T], R], things: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(AT_ONCE) as workers:
        return list(workers.map(do, things))


def total(found: Iterable[Found]) -> Counter[PartitionKey]:
    """The events of several files by partition."""
    events = Counter[PartitionKey]()
    for of_file in found:
        events.update(of_file.events)
    return events
