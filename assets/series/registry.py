"""The registry of partitions in D1: reading it, and changing it with the tables and the view in one transaction."""

from collections.abc import Iterable, Sequence
from string import Template

from assets.apps import Series
from assets.series.layout import Partition, PartitionRegistry, bounds, view
from assets.windows import Window
from resources.d1 import D1, D1Error, Statement
from resources.d1.database import Param
from resources.d1.times import moment, stamp
from resources.migrations.d1 import split
from resources.sql_files import read_sql


class RegistryChangedError(Exception):
    """Another process changed the registry first. Nothing was done: read the registry again."""


def load(d1: D1, series: Series) -> PartitionRegistry:
    """The registry of a series, read in one transaction."""
    versions, rows = d1.batch(
        [
            Statement("select version from partition_families where family = ?", [series.name]),
            Statement(read_sql("series/registry.sql"), [series.name]),
        ],
        idempotent=True,
    )
    partitions = tuple(
        Partition(
            row["family"],
            row["name"],
            Window(moment(row["startsAt"]), moment(row["endsAt"])),
            row["grain"],
            row["state"],
            row["rowCount"],
            row["checksum"],
            row["copiedTo"],
        )
        for row in rows.rows
    )
    return PartitionRegistry(series, versions.rows[0]["version"] if versions.rows else 0, partitions)


def change(
    d1: D1, registry: PartitionRegistry, after: Sequence[Partition], statements: Iterable[Statement], at: str
) -> None:
    """Make the registry equal `after` and write the view again, in one transaction with `statements`.

    registry: as it was read; nothing is done if it has changed since. after: every partition of the series after the
    change. at: the time of the change, as a text.

    Raises:
        RegistryChangedError: the registry has changed since it was read.
    """
    series = registry.series
    batch = [
        Statement(
            "insert into partition_families (family, version) values (?, 0) on conflict (family) do nothing",
            [series.name],
        ),
        # Only an error stops a batch. With another version this writes NULL, which the column refuses.
        Statement(read_sql("series/count_up.sql"), [series.name, registry.version]),
        Statement(f"drop view if exists {series.name}"),
        *(_written(partition, at) for partition in after if registry.named(partition.name) != partition),
        *(
            Statement("delete from partitions where name = ?", [partition.name])
            for partition in registry.partitions
            if partition.name not in {kept.name for kept in after}
        ),
        *statements,
    ]
    if any(partition.answers for partition in after):
        batch.append(Statement(f"create view {series.name} as {view(series, after)}"))
    try:
        # If it is sent twice, the second batch fails at the version: the registry shows what happened to a lost answer.
        d1.batch(batch, idempotent=True)
    except D1Error as error:
        if load(d1, series).version != registry.version:
            raise RegistryChangedError(f"the partitions of {series.name} were changed by another process") from error
        raise


def table(series: Series, partition: Partition) -> list[Statement]:
    """The statements that make a partition's table, indexes and triggers, each only if it is missing."""
    window = bounds(partition)
    script = Template(read_sql(series.template)).substitute(
        table=partition.name, start=stamp(window.start), end=stamp(window.end)
    )
    return [Statement(text) for text in split(script)]


def _written(partition: Partition, at: str) -> Statement:
    window = partition.window
    values: list[Param] = [partition.series, partition.name, stamp(window.start), stamp(window.end), partition.grain]
    values += [partition.state, partition.row_count, partition.checksum, partition.copied_to, at]
    return Statement(read_sql("series/write.sql"), values)
