"""How long data is kept, and as what: one `Lifecycle` a table or prefix of every store. Data only, no decisions."""

from dataclasses import dataclass, field
from typing import Literal

Store = Literal["lake", "d1", "postgres", "r2", "kv"]
Condition = Literal["sealed", "reconciled", "expired", "consumed", "summarised", "settled"]

# A quarter of what is archived by quarters goes at once, and what lives for days has no history to be spared.
LARGE_SHARE = 0.67

CONDITIONS: dict[Condition, str] = {
    "sealed": "the rows are in a sealed archive",
    "reconciled": "the aggregates that are kept were compared with the rows and agree",
    "expired": "the row's own expiry has passed",
    "consumed": "whoever reads it has read it",
    "summarised": "trends were made of it",
    "settled": "the run that wrote it has ended, and what it holds lies elsewhere",
}


@dataclass(frozen=True)
class Archive:
    """A table that is archived by calendar quarter.

    after_days: age of the youngest row of a quarter before the quarter is due. bucket: the column whose value says
    where in the archive a row lies. buckets: None for one bucket a value (an organisation), else the number of buckets
    that values (users) are spread over by their hash.
    """

    after_days: int
    bucket: str
    buckets: int | None = None


@dataclass(frozen=True)
class Lifecycle:
    """The policy of one table, prefix or key family.

    name: a table (`schema.table` in Postgres and the lake), a prefix of R2, a key family of KV; one that ends in `*`
    is a family of partitions. time: the column (or part of the key) that a row's age is counted from. key: columns that
    tell rows apart. hot_days, warm_days: ages up to which it is hot and warm, cold beyond; None where it never cools.
    archive, or `not_archived`: why it is not. delete_after_days, or `kept`: why it is never deleted. aggregates: what
    stays when rows go. requires: what must be true before a row is deleted. largest_share: how much of the rows one run
    may delete unasked.
    """

    store: Store
    name: str
    time: str | None
    key: tuple[str, ...] = ()
    hot_days: int | None = None
    warm_days: int | None = None
    archive: Archive | None = None
    not_archived: str = ""
    delete_after_days: int | None = None
    kept: str = ""
    aggregates: tuple[str, ...] = ()
    requires: tuple[Condition, ...] = field(default=())
    largest_share: float = 0.25

    def __post_init__(self) -> None:
        if (self.archive is None) != bool(self.not_archived):
            raise ValueError(f"{self.store} {self.name}: either an archive or the reason why there is none")
        if (self.delete_after_days is None) != bool(self.kept):
            raise ValueError(f"{self.store} {self.name}: either an age of deletion or the reason why it is kept")
        if self.archive is not None and (self.time is None or not self.key):
            raise ValueError(f"{self.store} {self.name}: an archive needs a time column and a row key")
        if self.archive is not None and self.delete_after_days is not None and "sealed" not in self.requires:
            raise ValueError(f"{self.store} {self.name}: what is archived is deleted only where it is sealed")
        if not 0 < self.largest_share <= 1:
            raise ValueError(f"{self.store} {self.name}: a share lies above 0 and is at most 1")

    @property
    def table(self) -> str:
        """The name that a person and the archive's keys use: without the star of a family, without the schema of the
        lake, whose one table has the application's own name for it.
        """
        name = self.name.removesuffix("*").rstrip("_")
        return name.rpartition(".")[2] if self.store == "lake" else name

    @property
    def is_family(self) -> bool:
        """Whether it is a family of partitions, whose names a registry holds."""
        return self.name.endswith("*")


def of_keys(*families: str) -> tuple[Lifecycle, ...]:
    """The policy of KV's key families: each key expires by its own lifetime, which its writer gives it."""
    return tuple(
        Lifecycle(
            "kv",
            family,
            "written",
            not_archived="made again from its tables",
            kept="for as long as it is wanted: each key expires by its own lifetime",
        )
        for family in families
    )
