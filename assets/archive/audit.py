"""Whether live rows are archived where they should be: sources are compared with the registry, and no row is read.

A lake knows how many rows each tenant has on each day, a database how many a quarter has. Fewer rows than were archived
mean that rows were pruned; rows beyond those wait for the next run.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from assets.archive.layout import bucket_of
from assets.archive.quarters import Quarter
from assets.archive.write import Archiver
from assets.rows.lake import rows_of
from assets.rows.source import RowSlice


@dataclass(frozen=True)
class Waiting:
    """The least number of live rows of a due quarter that no sealed archive is known to hold."""

    quarter: Quarter
    rows: int
    sealed_buckets: int


def waiting(archiver: Archiver, quarters: Iterable[Quarter]) -> list[Waiting]:
    """How many live rows of each due quarter wait to be archived."""
    policy = archiver.lifecycle.archive
    assert policy is not None  # an archiver has one
    results = []
    for quarter in quarters:
        if not quarter.is_due(archiver.clock(), policy.after_days):
            continue
        sealed = {r.bucket: r for r in archiver.registry.sealed(quarter)}
        source = archiver.open_source(quarter)
        try:
            rows = 0
            by_tenant: dict[str | None, list[RowSlice]] = defaultdict(list)
            for slice_ in source.slices(quarter.window):
                by_tenant[slice_.tenant].append(slice_)
            for tenant, slices in by_tenant.items():
                if tenant is None:
                    archived = sum(r.rows or 0 for r in sealed.values())
                    rows += max(0, sum(s.expected or 0 for s in slices) - archived)
                else:
                    revision = sealed.get(bucket_of(tenant, policy.buckets))
                    rows += sum(_more(s, revision.slices if revision else {}) for s in slices)
            results.append(Waiting(quarter, rows, len(sealed)))
        finally:
            source.close()
    return results


def _more(slice_: RowSlice, noted: Mapping[str, str]) -> int:
    """Rows beyond those noted, because the same rows may have moved to other files."""
    if slice_.expected is None or slice_.name not in noted:
        return slice_.expected or 1
    return max(0, slice_.expected - rows_of(noted[slice_.name]))
