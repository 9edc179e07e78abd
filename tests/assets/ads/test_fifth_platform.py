"""A further platform is a folder that declares it, and a line: the engine syncs it without knowing it."""

import json
from collections.abc import Iterator
from datetime import date, timedelta
from threading import Thread
from typing import Any

import pytest

from assets.ads import assets
from assets.ads.connections import COLUMN
from assets.ads.plan import SyncMode, SyncRequest
from assets.ads.sync import AdSync
from assets.apps.clearlift import APP as CLEARLIFT
from assets.partitions import Calendar
from clearlift_pipelines.settings import Settings
from resources.ad_platforms import PLATFORMS
from sandbox.exchange import Request, Response
from sandbox.listener import Listener
from tests.assets.ads.ad_stores import NOW, TABLE, AdStores
from tests.assets.ads.postcards import PLATFORM

FIRST = date(2026, 10, 22)
DAYS = [FIRST + timedelta(n) for n in range(30)]
CAMPAIGNS: list[dict[str, Any]] = [
    {"id": "1", "state": "posted"},
    {"id": "2", "state": "torn"},
    {"id": "3", "state": "lost", "glue": 1},
]


def page(request: Request) -> dict[str, Any]:
    """What the platform answers: two rows a page."""
    query = request.query
    if request.headers.get("x-token") != "t":
        return {"error": "stranger"}
    if request.path.endswith("/account"):
        rows: list[dict[str, Any]] = [{"id": "c1"}]
    elif request.path.endswith("/campaigns"):
        rows = CAMPAIGNS
    elif request.path.endswith("/campaign_days"):
        rows = [
            {"id": one["id"], "day": f"{day}", "sent": 10, "stamps": "1.50", "sold": 2}
            for day in DAYS
            if query["since"] <= f"{day}" <= query["until"]
            for one in CAMPAIGNS
        ]
    else:
        return {"error": "no_such_path"}
    start = int(query.get("after") or 0)
    more = {"next": f"{start + 2}"} if len(rows) > start + 2 else {}
    return {"rows": rows[start : start + 2], **more}


@pytest.fixture
def postcards(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The platform among the others, and the address of its server."""
    monkeypatch.setitem(PLATFORMS, PLATFORM.name, PLATFORM)
    server = Listener(0, lambda request: (Response.of(page(request)), None))
    thread = Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


LOOKBACK = SyncRequest(SyncMode.LOOKBACK, NOW.date(), NOW.date(), NOW.date())


def connect(bench: AdStores, token: str) -> None:
    document = {"oauth": {"access_token": token}, "app": {"key": "k"}, "sync_config": {"lookback_days": 30}}
    sealed = bench.keyring.seal_text(json.dumps(document), table=TABLE, column=COLUMN, row="card")
    bench.d1.upsert("users", ["id", "email", "issuer", "access_sub"], [["u", "u@x.example", "i", "s"]], ["id"])
    bench.d1.upsert("organizations", ["id", "name", "slug", "subscription_tier"], [["o", "o", "o", "pro"]], ["id"])
    columns = ["id", "organization_id", "platform", "account_id", "connected_by", COLUMN]
    bench.d1.upsert(TABLE, columns, [["card", "o", "postcards", "c1", "u", sealed]], ["id"])


def engine(bench: AdStores, origin: str) -> AdSync:
    return bench.engine("postcards", origin=origin)  # type: ignore[arg-type]


def test_a_fifth_platform_is_synced_and_shown(tiny: AdStores, postcards: str) -> None:
    connect(tiny, "t")
    (result,) = engine(tiny, postcards).run(LOOKBACK)
    assert result.error is None
    assert result.notes == {"field campaign.glue": 1, "status lost": 1}
    assert result.requests > 10
    rows = tiny.postgres.fetch("select id, name, status, native_status from ads.campaigns order by id")
    assert [tuple(row.values()) for row in rows] == [
        ("postcards:c1:1", "card 1", "active", "posted"),
        ("postcards:c1:2", "card 2", "ended", "torn"),
        ("postcards:c1:3", "card 3", None, "lost"),
    ]
    (totals,) = tiny.postgres.fetch(
        "select count(*) as days, sum(spend) as spend, sum(conversions) as sold, min(time_zone) as zone,"
        " min(attribution_window) as within from ads.campaign_metrics_daily"
    )
    assert (totals["days"], float(totals["spend"]), int(totals["sold"])) == (90, 135.0, 180)
    assert (totals["zone"], totals["within"]) == ("Europe/Rome", "platform_default")
    (actions,) = tiny.postgres.fetch("select count(*) as rows, min(action) as action from ads.conversions_daily")
    assert tuple(actions.values()) == (90, "sale")


def test_its_errors_are_its_own(tiny: AdStores, postcards: str) -> None:
    connect(tiny, "unknown")
    (result,) = engine(tiny, postcards).run(LOOKBACK)
    assert result.code == "stranger"
    assert result.slices == 0


@pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
def test_it_has_its_asset_and_its_setting(postcards: str) -> None:
    definitions = assets.build(CLEARLIFT, Calendar(NOW.date()))
    keys = {"/".join(key.path) for one in definitions for key in getattr(one, "keys", ())}
    assert "clearlift/ads/postcards" in keys
    settings = Settings.model_validate({"ad_apps": {"postcards": {"key": "k"}}})
    assert settings.ad_apps["postcards"]["key"].get_secret_value() == "k"
    with pytest.raises(ValueError, match="POSTCARDS__KEY"):
        Settings.model_validate({"ad_apps": {"postcards": {"other": "k"}}})
