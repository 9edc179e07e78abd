"""An event on its whole way: from a request to the tracking Worker to a dashboard that the Worker reads from KV."""

from datetime import timedelta
from pathlib import Path

import pytest
import requests

from assets.apps.clearlift import APP as CLEARLIFT
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores, utc_now
from sandbox import sample_stores
from tests.clearlift_pipelines.cli.shorter_run import without_backups
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.deploy.test_worker import objects_of, waited
from tests.deploy.tracking import EVENT, key, post, served
from tests.workerd.local_runtime import skip_without_runtime

pytestmark = pytest.mark.xdist_group("workerd")


def test_a_request_ends_in_a_dashboard(
    request: pytest.FixtureRequest, bare_environment: Path, monkeypatch: pytest.MonkeyPatch, postgres_dsn: str
) -> None:
    skip_without_runtime(request, "the way of an event")
    with served(bare_environment / "cloudflare") as local:
        for name, value in {
            "DAGSTER_HOME": str(bare_environment / "dagster_home"),
            "CLEARLIFT_CLOUDFLARE_API_URL": local.api,
            "CLEARLIFT_CLOUDFLARE_API_TOKEN": "hush-token",
            "CLEARLIFT_KV__CLEARLIFT": local.namespaces[0],
            "CLEARLIFT_R2_ENDPOINT": local.s3_endpoint,
            "CLEARLIFT_R2_BUCKET": local.bucket,
            "CLEARLIFT_R2_ACCESS_KEY_ID": local.access_key_id,
            "CLEARLIFT_R2_SECRET_ACCESS_KEY": local.secret_access_key,
            "CLEARLIFT_R2_STORAGE_CLASSES": "false",
            "CLEARLIFT_POSTGRES_DSN": postgres_dsn,
        }.items():
            monkeypatch.setenv(name, value)
        with Stores(load()) as stores:
            stores.migrate()
            sample_stores.fill_d1(stores.d1(CLEARLIFT))
            at = (utc_now() - timedelta(days=1)).isoformat()
            events = [{**EVENT, "timestamp": at, "anonymous_id": f"v{n}", "session_id": f"s{n}"} for n in range(7)]
            assert post(local, events).json()["accepted"] == 7
            assert len(waited(objects_of(local), "landing/events/", 7)) == 7

            without_backups(monkeypatch)
            Terminal(bare_environment, stores, monkeypatch).good("run", "--no-sample")

        def dashboard(bearer: str) -> requests.Response:
            headers = {"authorization": f"Bearer {bearer}"}
            return requests.get(f"{local.url}/dashboards/a3f7c2/summary/7d", headers=headers, timeout=30)

        found = dashboard(key("a3f7c2", "read"))
        assert (found.status_code, found.json()["events"], found.json()["visitors"]) == (200, 7, 7)
        assert dashboard(key("b8e9d1", "read")).status_code == 401
