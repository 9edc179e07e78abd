"""One person of each app is erased by the apps' own jobs, after all that keeps copies has run; nobody else changes."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import DagsterInstance

from assets.apps import APPS
from assets.backups import covered
from assets.backups.method import Scope
from assets.erasure.assets import erasure_of
from assets.erasure.begin import confirmed, received
from assets.erasure.identify import Asked
from assets.events import landing
from assets.search.certify import search
from resources.d1 import EmbeddedD1
from sandbox import sample_apps
from tests.assets.event_pipeline import event
from tests.clearlift_pipelines.location import Location

BY_NAME = {app.name: app for app in APPS}
VISITOR = "visitor-of-the-erasure-17"
LEAD = "zoe.erased@lead.example"


@pytest.fixture
def location(location: Location, tmp_path: Path) -> Iterator[Location]:
    """A location whose run history lies in files, so that they are searched."""
    (tmp_path / "dagster").mkdir()
    with DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        location.instance = instance
        yield location


@pytest.fixture
def lived_in(location: Location) -> Mapping[str, str]:
    """Somebody to erase in each app, by the app's name, and everything made of them: lake, roll-ups, KV, backups."""
    stores, now = location.stores, datetime.now(UTC)
    for app in APPS:
        if app.d1_migrations is not None:
            sample_apps.fill(app, stores.d1(app), stores.object_store, now)
    clearlift = BY_NAME["clearlift"]
    at = now - timedelta(hours=3)
    lines = [
        json.dumps(
            event(
                number, timestamp=at.isoformat(), event_id=f"erasure-{number}",
                anonymous_id=VISITOR if number % 2 else "another-visitor", page_path=f"/hello/{VISITOR}",
            )
        )
        for number in range(8)
    ]  # fmt: skip
    key = f"{landing.zone(clearlift).hour_prefix(now)}batch-erasure.ndjson"
    stores.object_store.put(key, "\n".join(lines).encode() + b"\n")
    assert location.run("ingest").success
    day = f"{at:%Y-%m-%d}"
    assert location.run("roll_up_days", day).success
    assert location.run("sessions", day).success
    growth = stores.app_postgres(BY_NAME["growth"])
    growth.execute("insert into marketing.leads (email, email_key, first_source) values (%s, %s, 'x')", (LEAD, LEAD))
    assert location.run("backup", app="sesh").success
    (user,) = stores.d1(BY_NAME["sesh"]).query("select userId as id from journal_entries order by id limit 1")
    (consignor,) = stores.d1(BY_NAME["consignment"]).query("select user_id as id from consignors order by id limit 1")
    return {"clearlift": VISITOR, "sesh": user["id"], "consignment": consignor["id"], "growth": LEAD}


@pytest.mark.soak
def test_the_jobs_erase_one_person_of_each_app_and_a_backup_brings_nobody_back(
    location: Location, lived_in: Mapping[str, str], tmp_path: Path
) -> None:
    instance, stores = location.instance, location.stores
    identities = {
        name: received(erasure_of(stores, BY_NAME[name], (7, 5, 12), instance), Asked(subject), "command")[1].identity
        for name, subject in lived_in.items()
    }
    assert all(search(stores, BY_NAME[name], [one], instance) for name, one in identities.items())
    for name in lived_in:
        erasure = erasure_of(stores, BY_NAME[name], (7, 5, 12), instance)
        (request,) = erasure.requests.all()
        confirmed(erasure, request, timedelta(0))
        assert location.run("erase", app=name).success
        (request,) = erasure.requests.all()
        assert (request.state, request.why) == ("done", "")
        left = [hit for hit in search(stores, BY_NAME[name], [identities[name]], instance) if not hit.kept]
        assert left == []
    # A backup of before has everybody but the person.
    restored = tmp_path / "restored.sqlite"
    (store,) = covered.of(BY_NAME["sesh"])
    store.restore(stores).run(Scope(), str(restored))
    back = EmbeddedD1(restored)
    users = [row["id"] for row in back.query("select id from users")]
    assert users
    assert lived_in["sesh"] not in users
    back.close()
