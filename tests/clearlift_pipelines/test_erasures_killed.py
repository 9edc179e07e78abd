"""An erasure that dies after each call of each store, and is run again each time, ends as one that was never killed."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dagster import AssetMaterialization, DagsterInstance

from assets.archive.quarters import Quarter
from assets.archive.tables import archived
from assets.archive.write import Archiver
from assets.erasure.assets import erasure_of
from assets.erasure.identify import Asked
from assets.search.certify import search
from assets.search.needles import Needles
from assets.series import ahead
from tests.assets.erasure.mortal import Mortal
from tests.assets.export.people_everywhere import MAY, TAG, Somebody, fill
from tests.clearlift_pipelines import rows_of_others
from tests.clearlift_pipelines.lived_in import BY_NAME
from tests.clearlift_pipelines.location import Location

ANNA, BERT = Somebody("person-7c1f0e44d9", 1), Somebody("somebody-8d2a1f55e0", 2)
SHARDS = 7
ARCHIVED = {"clearlift": "events", "growth": "analytics.events"}


@pytest.fixture
def location(location: Location, tmp_path: Path) -> Iterator[Location]:
    """A location whose run history lies in files, so that it is erased from too."""
    (tmp_path / "dagster").mkdir()
    with DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        location.instance = instance
        yield location


def settled(location: Location, name: str) -> None:
    """Two people in every store of an app, also in a sealed archive and in the run history."""
    app, stores = BY_NAME[name], location.stores
    for family in app.series:
        ahead.make(stores.d1(app), family, lambda: MAY)
    fill(stores, app, [ANNA, BERT])
    stores.object_store.delete([info.key for info in stores.object_store.list("archive")])
    if name in ARCHIVED:
        sealed = Archiver.of(stores, app, archived(app, ARCHIVED[name])).run(Quarter.of(MAY.date()))
        assert sealed.sealed
    said = {"who": f"/hello/{ANNA.text}"}
    location.instance.report_runless_asset_event(AssetMaterialization("said", metadata=said))


class Erased:
    """An erasure that waits, and what must be true when it has ended."""

    def __init__(self, location: Location, name: str) -> None:
        self.app, self.location = BY_NAME[name], location
        settled(location, name)
        self.before = rows_of_others.rows(location.stores, self.app)
        self.erasure = erasure_of(location.stores, self.app, (7, 5, 12), location.instance)
        self.person = ANNA.identity(self.app)
        requests, now = self.erasure.requests, location.stores.clock()
        request = requests.receive(Asked(ANNA.text, "user"), "command", now, self.person.request)
        request = requests.identified(request, self.person, self.erasure.plan(), now)
        requests.confirmed(request, now, now)

    def prove(self) -> None:
        """The person is gone, and nobody else changed."""
        stores = self.location.stores
        assert self.erasure.requests.get(self.person.request).state == "done"
        hits = search(stores, self.app, [self.person], self.location.instance)
        assert [hit for hit in hits if not hit.kept] == []
        needles, after = Needles([self.person], [TAG]), rows_of_others.rows(stores, self.app)
        theirs = {
            row for row in self.before if ANNA.mark in row or needles.name_somebody(row.encode(errors="surrogatepass"))
        }
        assert theirs
        assert [row for row in self.before if row not in theirs and self.before[row] != after[row]] == []


@pytest.mark.soak
@pytest.mark.parametrize("shard", range(SHARDS))
@pytest.mark.parametrize("name", list(BY_NAME))
def test_an_erasure_that_dies_after_each_call_is_gone_on_with(location: Location, name: str, shard: int) -> None:
    """A shard dies after one of so many calls, each after others."""
    erased, mortal = Erased(location, name), Mortal(SHARDS, first=shard)
    mortal.until_done(erased.erasure.run)
    assert mortal.died.total() >= mortal.calls // SHARDS > 1
    erased.prove()


@pytest.mark.soak
@pytest.mark.parametrize("name", ["sesh", "clearlift"])
def test_a_process_that_is_killed_is_gone_on_with(
    location: Location, name: str, tmp_path: Path, migrated_dsn: str
) -> None:
    """It is killed after its 5th change of a store, the next one after its 20th, and so on."""
    erased = Erased(location, name)
    command = [sys.executable, "-m", "tests.clearlift_pipelines.erasing_process", str(tmp_path / "home"), migrated_dsn]
    ended = [subprocess.run([*command, name, every], check=False).returncode for every in ("5", "20", "40", "10000")]
    assert ended[0] == -signal.SIGKILL
    assert ended[-1] == 0
    erased.prove()
