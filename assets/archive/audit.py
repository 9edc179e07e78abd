"""Whether what is live is archived where it should be: sources beside the registry, without reading rows.

A lake tells how many rows each organisation has on each day, a database how many a quarter has. Rows that were pruned
are fewer than those that were archived; more than the archive has noted wait for the next run.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assets.archive.lake_source import rows_of
from assets.archive.layout import bucket_of
from assets.archive.quarters import Quarter
from assets.archive.sources import Slice, Source
from assets.archive.write import Archiver


@dataclass(frozen=True)
class Waiting:
    """Live rows of a due quarter that no sealed archive is known to hold, at least."""

    quarter: Quarter
    rows: int
    sealed_buckets: int


def waiting(archiver: Archiver, quarters: Iterable[Quarter]) -> list[Waiting]:
    """Of each due quarter, how many live rows wait to be archived."""
    policy = archiver.lifecycle.archive
    assert policy is not None  # an archiver has one
    found = []
    for quarter in quarters:
        if not quarter.is_due(archiver.clock(), policy.after_days):
            continue
        sealed = {r.bucket: r for r in archiver.registry.sealed(quarter)}
        source = archiver.open_source(quarter)
        try:
            rows = 0
            for value, slices in _by_value(source, quarter).items():
                if value is None:
                    archived = sum(r.rows or 0 for r in sealed.values())
                    rows += max(0, sum(s.expected or 0 for s in slices) - archived)
                else:
                    revision = sealed.get(bucket_of(value, policy.buckets))
                    rows += sum(_more(s, revision.slices if revision else {}) for s in slices)
            found.append(Waiting(quarter, rows, len(sealed)))
        finally:
            source.close()
    return found


def _more(slice_: Slice, noted: Mapping[str, str]) -> int:
    """Rows beyond those noted: the same ones may have moved to other files."""
    if slice_.expected is None or slice_.name not in noted:
        return slice_.expected or 1
    return max(0, slice_.expected - rows_of(noted[slice_.name]))


def _by_value(source: Source, quarter: Quarter) -> dict[str | None, list[Slice]]:
    found: dict[str | None, list[Slice]] = defaultdict(list)
    for slice_ in source.slices(quarter.window):
        found[slice_.value].append(slice_)
    return found
