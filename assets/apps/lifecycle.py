"""How long data is kept, and as what: one `Lifecycle` a table, prefix or key family of every store. Plain data. Pure.

What belongs here: the model of these entries. What does not: the entries themselves, which lie beside their apps and in
pipelines_lifecycles.py, and the rooms that act on them.
"""

from dataclasses import dataclass
from typing import Literal

Store = Literal["lake", "d1", "postgres", "app_postgres", "r2", "kv"]
"""`postgres` is our own database, which apps share; `app_postgres` is the Postgres database of the app itself."""
STORES: tuple[Store, ...] = ("lake", "d1", "postgres", "app_postgres", "r2", "kv")
Condition = Literal["sealed", "reconciled", "expired", "consumed", "summarised", "settled", "unneeded"]
Asset = tuple[str, str]
"""An asset of the app: its capability and its name."""

# The share for tables that lose a whole quarter at once, and for rows that live for days only.
LARGE_SHARE = 0.67

CONDITIONS: dict[Condition, str] = {
    "sealed": "the rows are in a sealed archive",
    "reconciled": "the aggregates that are kept were compared with the rows and agree",
    "expired": "the row's own expiry has passed",
    "consumed": "its reader has read it",
    "summarised": "trends were made of it",
    "settled": "the run that wrote it has ended, and what it holds lies elsewhere",
    "unneeded": "no refused line in the ledger points to it",
}


@dataclass(frozen=True)
class Archive:
    """How a table is archived, by calendar quarter.

    after_days: age in days of the youngest row of a quarter at which the quarter is due. bucket: the column whose value
    decides in which bucket of the archive a row lies. buckets: None for one bucket a value (an organisation), else the
    number of buckets that values (users) are spread over by their hash. restored: SQL under sql/ for the D1 that rows
    came back to; ?1 is the JSON array of their times.
    """

    after_days: int
    bucket: str
    buckets: int | None = None
    restored: str = ""


@dataclass(frozen=True)
class Rule:
    """SQL that says which old rows of a Postgres table may go, where their time alone does not say it.

    statement: SELECT under sql/ with one row an old row: `row_id` (its ctid) and `held_back` (why it stays, null where
    it may go); its parameters are `app`, `before` and those of assets/retention/parameters.py. proves: the conditions
    of the entry that it proves. first: a statement under sql/ that runs before it and records what is proved. listed: a
    prefix of R2 whose keys are the parameter `listed`.
    """

    statement: str
    proves: tuple[Condition, ...] = ()
    first: str = ""
    listed: str = ""


@dataclass(frozen=True)
class ReadBy:
    """SQL under sql/ that says what its reader has read, in our Postgres or in the app's D1.

    For a prefix of R2: one row an object that was read, with `key` and `held_back` (why it stays all the same, null
    where it may go). Its parameters are in Postgres `app` and the arrays `keys` and `etags`, in D1 the JSON array of
    [key, etag] pairs. For a log in D1, whose key is one integer: one row with the last key that every reader has read.
    """

    store: Literal["postgres", "d1"]
    statement: str


@dataclass(frozen=True)
class Lifecycle:
    """The policy of one table, prefix or key family.

    name: a table (`schema.table` in Postgres and the lake), a prefix of R2, a key family of KV. A name that ends in `*`
    is a time series, whose tables a registry lists. time: the column, or part of the key, that a row's age is counted
    from. key: the columns that identify a row. app_column: the column that says whose a row is, in a table that apps
    share. hot_days, warm_days: ages up to which rows are hot and warm; cold beyond; None where they never cool.
    archive, or `not_archived`: why there is none. delete_after_days, or `kept`: why rows are never deleted. aggregates:
    what stays when rows go. requires: what must be true before a row is deleted. expires: the column with a row's own
    expiry. rule, read_by: how it is known which old rows may go. deleted_by: set where another job deletes the rows.
    largest_share: the share of the rows that one run may delete without confirmation. parents: assets that write the
    rows; they come before the archive. readers: assets that read the rows or prove that they may go; they come before
    the deletion.
    """

    store: Store
    name: str
    time: str | None
    key: tuple[str, ...] = ()
    app_column: str = ""
    hot_days: int | None = None
    warm_days: int | None = None
    archive: Archive | None = None
    not_archived: str = ""
    delete_after_days: int | None = None
    kept: str = ""
    aggregates: tuple[str, ...] = ()
    requires: tuple[Condition, ...] = ()
    expires: str = ""
    rule: Rule | None = None
    read_by: ReadBy | None = None
    deleted_by: str = ""
    largest_share: float = 0.25
    parents: tuple[Asset, ...] = ()
    readers: tuple[Asset, ...] = ()

    def __post_init__(self) -> None:
        if (self.archive is None) != bool(self.not_archived):
            raise ValueError(f"{self.store} {self.name}: either an archive or the reason why there is none")
        if (self.delete_after_days is None) != bool(self.kept):
            raise ValueError(f"{self.store} {self.name}: either an age of deletion or the reason why it is kept")
        if self.archive is not None and (self.time is None or not self.key):
            raise ValueError(f"{self.store} {self.name}: an archive needs a time column and a row key")
        if self.archive is not None and self.delete_after_days is not None and "sealed" not in self.requires:
            raise ValueError(f"{self.store} {self.name}: what is archived is deleted only where it is sealed")
        if ("expired" in self.requires) != bool(self.expires):
            raise ValueError(f"{self.store} {self.name}: a column of expiry belongs to the condition of it")
        if not 0 < self.largest_share <= 1:
            raise ValueError(f"{self.store} {self.name}: a share lies above 0 and is at most 1")

    @property
    def table(self) -> str:
        """The name that people and the archive's keys use: without the star of a time series, and in the lake without
        the schema.
        """
        name = self.name.removesuffix("*").rstrip("_")
        return name.rpartition(".")[2] if self.store == "lake" else name

    @property
    def is_series(self) -> bool:
        """Whether it is a time series, which lies in several tables."""
        return self.name.endswith("*")


def kept(
    store: Store, name: str, why: str, *, not_archived: str = "never deleted", time: str | None = None
) -> Lifecycle:
    """The policy of what is never deleted, and why."""
    return Lifecycle(store, name, time, not_archived=not_archived, kept=why)


def prefix(
    name: str,
    days: int,
    not_archived: str,
    *,
    read_by: ReadBy | None = None,
    requires: Condition = "consumed",
    share: float = 0.25,
    readers: tuple[Asset, ...] = (),
) -> Lifecycle:
    """The policy of a prefix of R2. Ages count from when an object was written. requires: what `read_by` proves."""
    return Lifecycle(
        "r2",
        name,
        "written",
        not_archived=not_archived,
        delete_after_days=days,
        requires=(requires,) if read_by else (),
        read_by=read_by,
        largest_share=share,
        readers=readers,
    )


def quarantine(name: str, days: int, not_archived: str, needed_by: ReadBy, *, share: float = 0.25) -> Lifecycle:
    """The policy of a prefix of refused bytes, whose lines are kept for `days`.

    The bytes are kept a day longer, so that they do not wait for lines that go on the same day. needed_by: says which
    objects no line points to.
    """
    return prefix(name, days + 1, not_archived, read_by=needed_by, requires="unneeded", share=share)
