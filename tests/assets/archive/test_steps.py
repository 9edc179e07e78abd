"""Archive and restore of every store, ended or left without an answer after each change, and run again: nothing lost,
nothing twice. The long-running test ends them before each I/O step.
"""

from collections import Counter

import pytest

from assets.archive.registry import ArchiveRegistry
from assets.rows.target import Into
from tests.assets.archive.archive_stores import QUARTER, ArchiveStores, Row
from tests.assets.archive.checkpoint import Checkpoint
from tests.assets.archive.kinds import KINDS, Kind
from tests.assets.archive.walk import Walk


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.soak)])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.table)
def test_ended_at_any_step_and_run_again_it_ends_the_same(
    archive_stores: ArchiveStores, kind: Kind, every: bool
) -> None:
    archive_stores.now = archive_stores.now.replace(year=2027)
    _archived(archive_stores, kind, every)
    before = kind.rows(archive_stores, "live")
    kind.clear(archive_stores)
    _restored(archive_stores, kind, "side", before, every)
    _restored(archive_stores, kind, "live", before, every)


def _archived(archive_stores: ArchiveStores, kind: Kind, every: bool) -> None:
    """A bucket that was archived and got late rows, and one that is new."""
    registry = ArchiveRegistry(archive_stores.postgres, kind.app, kind.table)

    def held() -> tuple[object, ...]:
        sealed = [(r.bucket, r.number, r.rows, r.rows_added, r.checksum) for r in registry.sealed(QUARTER)]
        return sealed, registry.unsettled(), archive_stores.parts(), archive_stores.manifests()

    kind.happen(archive_stores, 1)
    archive_stores.archive(kind.app, kind.table)
    kind.happen(archive_stores, 2)
    walk = Walk(Checkpoint(archive_stores), lambda: archive_stores.archive(kind.app, kind.table), every)
    walk.work()
    expected = held()
    for end in walk.ended():
        assert archive_stores.verify(kind.app, kind.table).faults == [], f"what is sealed is whole, {end}"
        walk.work()
        assert held() == expected, end
    assert walk.steps >= {"put_if_absent done", "delete done", "commit done"}
    assert not every or walk.steps >= {"put_if_absent", "get", "list", "commit"}


def _restored(archive_stores: ArchiveStores, kind: Kind, into: Into, before: Counter[Row], every: bool) -> None:
    walk = Walk(Checkpoint(archive_stores), lambda: archive_stores.restore(kind.app, kind.table, into), every)
    for end in walk.ended():
        assert kind.rows(archive_stores, into) <= before, end
        walk.work()
        assert kind.rows(archive_stores, into) == before, end
    assert walk.steps >= {step for step in kind.writes if step.endswith("done")}
    assert not every or walk.steps >= {"get", *kind.writes}
    assert kind.rows(archive_stores, into) == before
    walk.start.rewind()
