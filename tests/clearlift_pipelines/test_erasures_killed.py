"""An erasure that dies after each call of each store, and is run again each time, ends as one that was never killed."""

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


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.soak), 23])
@pytest.mark.parametrize("name", list(BY_NAME))
def test_an_erasure_that_dies_after_each_call_is_gone_on_with(location: Location, name: str, every: int) -> None:
    app, stores = BY_NAME[name], location.stores
    settled(location, name)
    before = rows_of_others.rows(stores, app)
    erasure = erasure_of(stores, app, (7, 5, 12), location.instance)
    person = ANNA.identity(app)
    now = stores.clock()
    request = erasure.requests.receive(Asked(ANNA.text, "user"), "command", now, person.request)
    request = erasure.requests.identified(request, person, erasure.plan(), now)
    erasure.requests.confirmed(request, now, now)

    mortal = Mortal(every)
    mortal.until_done(erasure.run)

    assert mortal.died
    assert erasure.requests.get(request.id).state == "done"
    assert [hit for hit in search(stores, app, [person], location.instance) if not hit.kept] == []
    needles = Needles([person], [TAG])
    after = rows_of_others.rows(stores, app)
    theirs = {row for row in before if needles.name_somebody(row.encode(errors="surrogatepass"))}
    assert theirs
    assert [row for row in before if row not in theirs and before[row] != after[row]] == []
