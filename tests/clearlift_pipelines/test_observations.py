"""What others write is observed by a run a day: rows or objects, bytes, oldest and newest."""

from datetime import UTC, datetime
from typing import Any

from dagster import AssetKey

from assets.apps.clearlift import APP as CLEARLIFT
from tests.clearlift_pipelines.location import Location


def observed(location: Location, *path: str) -> dict[str, Any]:
    (record,) = location.instance.fetch_observations(AssetKey(["clearlift", *path]), limit=1).records
    assert record.asset_observation is not None
    return {name: value.value for name, value in record.asset_observation.metadata.items()}


def test_tables_and_landing_have_numbers_after_a_run(location: Location) -> None:
    audience = CLEARLIFT.audience
    assert audience is not None
    d1, store = location.stores.d1(CLEARLIFT), location.stores.object_store
    assert location.run("observe", app="consignment").get_asset_check_evaluations() == []
    assert location.run("observe").success
    nothing = {"bytes": 0, "oldest": "none", "newest": "none"}
    assert observed(location, "d1", "invitations") == {"dagster/row_count": 0, **nothing}
    assert observed(location, "events", "landing") == {"objects": 0, **nothing}
    for number, day in enumerate(("2026-03-02", "2026-03-01")):
        d1.execute(
            "insert into organizations (id, name, slug, created_at, updated_at) values (?, ?, ?, ?, ?)",
            [f"o{number}", "é", f"o{number}", day, day],
        )
    for name in ("a", "bb"):
        store.put(f"{audience.landing}2026/03/01/10/{name}.ndjson", name.encode())
    assert location.run("observe").success
    found, stored = observed(location, "d1", "organizations"), d1.query("select * from organizations")
    assert (found["dagster/row_count"], found["oldest"], found["newest"]) == (
        len(stored),
        "2026-03-01",
        max(row["created_at"] for row in stored),
    )
    assert found["bytes"] == sum(len(str(v).encode()) for row in stored for v in row.values() if v is not None)
    landed = observed(location, "events", "landing")
    assert (landed["objects"], landed["bytes"]) == (2, 3)
    assert datetime.fromisoformat(landed["oldest"]) <= datetime.fromisoformat(landed["newest"]) <= datetime.now(UTC)
