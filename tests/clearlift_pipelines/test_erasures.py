"""One person of each app is erased by the apps' own jobs, after all that keeps copies has run; nobody else changes."""

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance

from assets.apps import App
from assets.apps.pipelines import MIGRATIONS
from assets.apps.pipelines_lifecycles import GRAINS
from assets.archive.registry import ArchiveRegistry
from assets.archive.restore import Restore
from assets.backups import covered
from assets.backups.method import Scope
from assets.backups.sets import find
from assets.erasure.assets import erasure_of
from assets.erasure.begin import confirmed, received
from assets.erasure.identify import Asked
from assets.privacy.identity import Identity
from assets.search.certify import search
from assets.search.needles import Needles
from clearlift_pipelines.stores import Stores
from resources.postgres import Postgres
from resources.postgres.databases import made
from resources.r2 import FolderObjectStore
from tests.assets.erasure.traces import traces
from tests.clearlift_pipelines import rows_of_others
from tests.clearlift_pipelines.lived_in import BY_NAME, LEAD, VISITOR, archived, live_in
from tests.clearlift_pipelines.location import Location, located
from tests.databases import database, template_of

# Sketches of many people, which stay (assets/apps/pipelines_personal.py).
KEPT = tuple(f'{place} "rollups"."{grain}_totals"' for place in ("postgres", "restored") for grain in GRAINS)
TAGS = ("a3f7c2", "b8e9d1", "c41d7e", "d90a2b", "e5f604")


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Location]:
    """A location in which everything has run. Its run history lies in files, so that they are searched; its backups lie
    in a bucket of their own, so that they hold objects too.
    """
    folder = tmp_path_factory.mktemp("lived")
    (folder / "dagster").mkdir()
    with (
        pytest.MonkeyPatch.context() as patch,
        database(postgres_server, template_of(postgres_server, MIGRATIONS)) as dsn,
        located(folder / "home", dsn) as found,
        DagsterInstance.local_temp(str(folder / "dagster")) as instance,
    ):
        patch.setattr(Stores, "backup_store", FolderObjectStore(folder / "backups"))
        found.instance = instance
        live_in(found, datetime.now(UTC))
        yield found


def person_of(location: Location, app: App) -> str:
    """Whom to erase of an app, by what a request gives."""
    if app.name in ("clearlift", "growth"):
        return {"clearlift": VISITOR, "growth": LEAD}[app.name]
    table, column = {"sesh": ("journal_entries", "userId"), "consignment": ("consignors", "user_id")}[app.name]
    (row,) = location.stores.d1(app).query(f"select {column} as id from {table} order by 1 limit 1")
    return str(row["id"])


def erased(location: Location, app: App, subject: str) -> Identity:
    """A request that was carried out by the app's job, and whom it meant."""
    erasure = erasure_of(location.stores, app, (7, 5, 12), location.instance)
    request, found = received(erasure, Asked(subject), "command")
    assert search(location.stores, app, [found.identity], location.instance)
    confirmed(erasure, request, timedelta(0))
    assert location.run("erase", app=app.name).success
    after = erasure.requests.get(request.id)
    assert (after.state, after.why) == ("done", "")
    return found.identity


def remaining(location: Location, app: App, person: Identity) -> list[object]:
    return [hit for hit in search(location.stores, app, [person], location.instance) if not hit.kept]


def naming(needles: Needles, rows: Iterable[str]) -> list[str]:
    named = (row for row in rows if needles.name_somebody(row.encode(errors="surrogatepass")))
    return [row for row in named if not row.startswith(KEPT)]


def old_sets(location: Location, app: App) -> Iterator[tuple[covered.Covered, Scope]]:
    """The stores with data of an app, each with the moment of its first backup."""
    for store in (*covered.shared(), *covered.of(app)):
        if app in store.apps:
            first, *_ = find(covered.target_of(location.stores), store.name).complete
            yield store, Scope(at=first.moment)


@pytest.mark.soak
@pytest.mark.parametrize("name", list(BY_NAME))
def test_one_person_is_gone_from_everything_and_neither_backup_nor_archive_brings_them_back(
    lived: Location, name: str, tmp_path: Path
) -> None:
    app, stores = BY_NAME[name], lived.stores
    subject = person_of(lived, app)
    before = rows_of_others.rows(stores, app)
    archives = rows_of_others.archives(stores, app)
    person = erased(lived, app, subject)

    assert remaining(lived, app, person) == []
    needles = Needles([person], TAGS)
    theirs = Counter({row: before[row] for row in naming(needles, before)})
    others = before - theirs
    after = rows_of_others.rows(stores, app)
    assert list(others - after) == []
    # What mentioned them is there without the mention.
    assert (after - others).total() <= theirs.total()

    for store, scope in old_sets(lived, app):
        place = store.place_in(stores, str(tmp_path / f"back_of_{name}"))
        store.restore(stores).run(scope, place)
        if store.name.store == "postgres":
            with Postgres(made(stores.postgres.dsn, place)) as restored:
                assert naming(needles, rows_of_others.in_postgres("restored", restored)) == []
    assert traces(tmp_path, *(id_ for ids in person.ids.values() for id_ in ids)) == []

    rows_of_others.put_back(stores, app, archives)
    for entry, quarters in archived(app, datetime.now(UTC)):
        registry = ArchiveRegistry(stores.postgres, app.name, entry.table)
        for quarter in filter(registry.sealed, quarters):
            Restore.of(stores, app, entry, "side").run(quarter)
    back = list(rows_of_others.in_tables(stores, app))
    assert naming(needles, back) == []
    assert Counter(back) - after
