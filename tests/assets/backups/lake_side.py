"""A lake of visits with the means of its backup, and the states that it went through. No fixtures here."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from assets.apps.personal import Holding
from assets.backups.lake import LakeBackup, Place
from assets.backups.making import Backup
from assets.backups.manifest import Manifest
from assets.backups.method import Chain, Restored, Scope
from assets.backups.sets import find
from assets.backups.target import StoreName, Target
from resources.lake import Lake
from resources.lake.place import LakePlace
from tests.assets.backups.planted import target
from tests.assets.upkeep.memory_lake import VISITS, MemoryLake, Row, memory_lake, now

STORE = StoreName("pipelines", "lake")
WHOLE = Scope()
OF_PEOPLE = Holding(
    "lake", "visits", (("visitor", "visitor"),), traces="visit", organisation="org_tag", erasure="delete"
)


@dataclass
class LakeSide:
    """The lake, its target, and what people do with both."""

    lake: Lake
    visits: MemoryLake
    folder: Path
    at: Target

    @property
    def method(self) -> LakeBackup:
        return LakeBackup(STORE, self.lake, {VISITS: OF_PEOPLE}, self.live, now)

    def live(self) -> AbstractContextManager[LakePlace]:
        return nullcontext(LakePlace(self.lake.catalog, (self.folder / "r2").as_uri(), home=True))

    def backup(self) -> Manifest:
        """A further set."""
        return Backup(self.at, self.method, self.method.clock).run().manifest

    def restored(self, place: Place, scope: Scope = WHOLE, chain: Chain | None = None) -> Restored:
        """Restore what a scope wants, and compare it."""
        chain = chain or self.method.chain(find(self.at, STORE), scope.at)
        done = self.method.restore(self.at, chain, place, scope)
        assert list(self.method.differences(place, done)) == []
        return done

    def place(self, name: str) -> Place:
        return self.method.place(str(self.folder / name))


@contextmanager
def lake_side(folder: Path) -> Iterator[LakeSide]:
    """A lake with an empty table, in a folder."""
    with memory_lake(folder / "r2", nullcontext) as visits:
        lake = Lake(lambda: visits.table.load().catalog, nullcontext, (folder / "r2").as_uri())
        yield LakeSide(lake, visits, folder, target(folder / "backups"))


def rows(place: Place) -> list[Row]:
    """Event and visitor of every row of a place, sorted."""
    with place() as there:
        return sorted(there.lake.table(VISITS).scan().select("visit", "visitor").collect().iter_rows())
