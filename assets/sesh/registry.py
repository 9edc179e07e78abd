"""The registry of partitions in D1: reading it, and changing it together with tables and view in one transaction."""

from collections.abc import Iterable, Sequence
from string import Template

from assets.sesh.families import Family
from assets.sesh.layout import Partition, Registry, bounds, view
from assets.windows import Window
from resources.d1 import D1, D1Error, Statement
from resources.d1.database import Param
from resources.d1.times import moment, stamp
from resources.migrations.d1 import split
from resources.sql_files import read_sql


class ChangedMeanwhileError(Exception):
    """Another process changed the registry first: nothing was done, read it again."""


def load(d1: D1, family: Family) -> Registry:
    """The registry of a family, in one moment."""
    versions, rows = d1.batch(
        [
            Statement("select version from partition_families where family = ?", [family.name]),
            Statement(read_sql("sesh/partitions/registry.sql"), [family.name]),
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
    return Registry(family, versions.rows[0]["version"] if versions.rows else 0, partitions)


def change(d1: D1, registry: Registry, after: Sequence[Partition], statements: Iterable[Statement], at: str) -> None:
    """Run statements that make the registry be `after`, and write the view anew, if it is still as `registry` has it.

    `after` is the whole family. `at` is the time of the change, as rows have it.

    Raises:
        ChangedMeanwhileError: it is another one by now.
    """
    family = registry.family
    batch = [
        Statement(
            "insert into partition_families (family, version) values (?, 0) on conflict (family) do nothing",
            [family.name],
        ),
        # A batch stops at an error only: NULL where a number is required is the error when the version is another.
        Statement(read_sql("sesh/partitions/count_up.sql"), [family.name, registry.version]),
        Statement(f"drop view if exists {family.name}"),
        *(_written(partition, at) for partition in after if registry.named(partition.name) != partition),
        *(
            Statement("delete from partitions where name = ?", [partition.name])
            for partition in registry.partitions
            if partition.name not in {kept.name for kept in after}
        ),
        *statements,
    ]
    if any(partition.answers for partition in after):
        batch.append(Statement(f"create view {family.name} as {view(family, after)}"))
    try:
        # Sent twice, the second fails at the version: a lost answer is found out by reading the registry again.
        d1.batch(batch, idempotent=True)
    except D1Error as error:
        if load(d1, family).version != registry.version:
            raise ChangedMeanwhileError(f"the partitions of {family.name} changed meanwhile") from error
        raise


def table(family: Family, partition: Partition) -> list[Statement]:
    """What makes a partition's table with its indexes and triggers, where they are not there."""
    held = bounds(partition)
    script = Template(read_sql(family.template)).substitute(
        table=partition.name, start=stamp(held.start), end=stamp(held.end)
    )
    return [Statement(text) for text in split(script)]


def _written(partition: Partition, at: str) -> Statement:
    window = partition.window
    values: list[Param] = [partition.family, partition.name, stamp(window.start), stamp(window.end), partition.grain]
    values += [partition.state, partition.row_count, partition.checksum, partition.copied_to, at]
    return Statement(read_sql("sesh/partitions/write.sql"), values)
