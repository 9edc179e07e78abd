"""The whole main path with D1, KV and R2 on Cloudflare's own local runtime, and the lake on R2 over S3: settings alone
make the difference.
"""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.events.ledger import IngestLedger
from clearlift_pipelines.cli.credentials import faults
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores
from resources.d1 import CloudflareD1
from resources.kv import CloudflareKV
from resources.sql_files import read_sql
from sandbox import sample, sample_stores
from tests.clearlift_pipelines.cli.shorter_run import in_two_instalments
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.clearlift_pipelines.cli.test_way_back import position
from tests.tables import EVENTS
from tests.workerd.local_runtime import Workerd, running, skip_without_runtime

# So that one worker starts it.
pytestmark = pytest.mark.xdist_group("real_stores")


@pytest.fixture(scope="module")
def cloudflare(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    """A local Cloudflare, to whose first databases only the test of the main path writes."""
    skip_without_runtime(request, "the main path")
    with running(tmp_path_factory.mktemp("cloudflare")) as local:
        yield local


@pytest.fixture
def real_terminal(
    cloudflare: Workerd, bare_environment: Path, monkeypatch: pytest.MonkeyPatch, postgres_dsn: str
) -> Iterator[Terminal]:
    """A folder to work in, and the local Cloudflare in the settings."""
    variables = {
        "DAGSTER_HOME": str(bare_environment / "dagster_home"),
        "COLUMNS": "200",
        "CLEARLIFT_CLOUDFLARE_API_URL": cloudflare.api,
        "CLEARLIFT_CLOUDFLARE_API_TOKEN": "hush-token",
        "CLEARLIFT_D1__CLEARLIFT": cloudflare.databases[0],
        "CLEARLIFT_KV__CLEARLIFT": cloudflare.namespaces[0],
        "CLEARLIFT_D1__SESH": cloudflare.databases[1],
        "CLEARLIFT_KV__SESH": cloudflare.namespaces[1],
        "CLEARLIFT_D1__CONSIGNMENT": cloudflare.databases[2],
        "CLEARLIFT_KV__CONSIGNMENT": cloudflare.namespaces[2],
        "CLEARLIFT_KV__GROWTH": cloudflare.namespaces[3],
        "CLEARLIFT_R2_ENDPOINT": cloudflare.s3_endpoint,
        "CLEARLIFT_R2_BUCKET": cloudflare.bucket,
        "CLEARLIFT_R2_ACCESS_KEY_ID": cloudflare.access_key_id,
        "CLEARLIFT_R2_SECRET_ACCESS_KEY": cloudflare.secret_access_key,
        "CLEARLIFT_R2_STORAGE_CLASSES": "false",
        "CLEARLIFT_POSTGRES_DSN": postgres_dsn,
        "CLEARLIFT_KEYRING": json.dumps({"keys": {"1": base64.b64encode(b"k" * 32).decode()}}),
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    stores = Stores(load())
    yield Terminal(bare_environment, stores, monkeypatch)
    stores.close()


@pytest.mark.parametrize(
    ("variable", "blamed"),
    [
        ("CLEARLIFT_R2_SECRET_ACCESS_KEY", "CLEARLIFT_R2_ACCESS_KEY_ID, CLEARLIFT_R2_SECRET_ACCESS_KEY"),
        ("CLEARLIFT_R2_ACCESS_KEY_ID", "CLEARLIFT_R2_ACCESS_KEY_ID, CLEARLIFT_R2_SECRET_ACCESS_KEY"),
        ("CLEARLIFT_R2_BUCKET", "CLEARLIFT_R2_BUCKET"),
    ],
)
def test_a_wrong_credential_is_named_by_its_store(real_terminal: Terminal, variable: str, blamed: str) -> None:
    assert faults(real_terminal.stores) == {}
    real_terminal.monkeypatch.setenv(variable, 32 * "9")
    with Stores(load()) as stores:
        assert list(faults(stores)) == [blamed]


@pytest.mark.early
def test_the_main_path_ends_as_the_samples_truth_says(real_terminal: Terminal, cloudflare: Workerd) -> None:
    real_terminal.good("migrate", "up")
    in_two_instalments(real_terminal.monkeypatch)
    said = real_terminal.good("run", "--sample", "--days", "1", "--scale", "0.05")
    assert "check failed" not in said
    assert "Consignment: Autumn Kids Sale: draft, published, 60 items of 12 consignors handed in" in said

    stores = real_terminal.stores
    d1, kv, events = stores.d1(CLEARLIFT), stores.kv(CLEARLIFT), stores.lake.table(EVENTS)
    assert isinstance(d1, CloudflareD1)
    assert isinstance(kv, CloudflareKV)
    until = sample_stores.marked(stores.object_store)
    assert until is not None
    _, truth = sample.batches(until, days=1, scale=0.05)
    totals = IngestLedger(stores.postgres, CLEARLIFT.name).totals()
    assert {name: totals[name] for name in ("received", "stored", "doubled", "quarantined", "without_consent")} == {
        "received": truth.received,
        "stored": truth.stored,
        "doubled": truth.doubled,
        "quarantined": truth.quarantined,
        "without_consent": truth.without_consent,
    }
    assert events.scan().select(pl.len()).collect().item() == truth.stored
    assert all(info.path.startswith(f"s3://{cloudflare.bucket}/data/events/") for info in events.files())
    for grain in ("hourly", "daily"):
        rolled = stores.postgres.fetch(f"select sum(events) as n from rollups.{grain}_totals")[0]["n"]
        assert rolled == truth.stored
    entries = stores.postgres.fetch("select namespace, key from cache.entries")
    cached = {row["key"] for row in entries if row["namespace"] == CLEARLIFT.name}
    assert cached == {info.name for info in kv.list()}
    assert len(kv.get_many(cached)) == len(cached) > 0
    assert d1.query("select count(*) as n from org_tag_mappings")[0]["n"] == len(sample.ORGANISATIONS)
    (position,) = stores.d1(SESH).query(read_sql("changes/d1/position.sql"), ["cache"])
    assert position["last_id"] == position["end_id"] > 0
    # Drills restore to this machine first, and leave nothing.
    home = real_terminal.folder / ".clearlift"
    assert sorted(home.iterdir()) == [home / "copies", home / "scratch"]
    assert not list((home / "scratch").iterdir())

    doctor = real_terminal.good("doctor")
    assert "bad" not in doctor
    assert f"s3://{cloudflare.bucket}: reachable, writable" in doctor
    status = real_terminal.good("status")
    assert "clearlift/cache/summary" in status
    # No quarter of a new sample is old enough to be archived, and nothing of it to go; KV is listed once a day, and
    # nothing is sealed in real databases unless a setting says so.
    left = ("/archive/", "/retention/", "/cache/verified", "/compliance/report", "/privacy/erasures", "/sealing/")
    assert all(any(part in line for part in left) for line in status.splitlines() if " never" in line)
    assert "changed" not in status
    assert not any(secret in said + doctor + status for secret in ("hush-token", cloudflare.secret_access_key))


def test_a_d1_is_backed_up_before_it_is_migrated_and_comes_back(real_terminal: Terminal, cloudflare: Workerd) -> None:
    # One that no other test has.
    real_terminal.monkeypatch.setenv("CLEARLIFT_D1__CONSIGNMENT", cloudflare.databases[3])
    assert real_terminal.good("migrate", "up", "consignment-d1", "--to", "1") == "consignment-d1: 001_core\n"
    # Our Postgres says who was erased.
    real_terminal.good("migrate", "up", "postgres")
    at = position(real_terminal.good("migrate", "up", "consignment-d1"), "consignment-d1")
    assert "backed up" not in real_terminal.good("migrate", "up", "consignment-d1")
    back = ("backup", "restore", "consignment/d1", "--at", at, "--into")
    assert "Next: migrate to the version of then, or" in real_terminal.refused(*back, "live", "--confirm")
    real_terminal.good("migrate", "down", "consignment-d1", "--to", "1", "--confirm")
    real_terminal.good(*back, "live", "--confirm")
    real_terminal.good(*back, "before.sqlite")
    said = real_terminal.good("migrate", "status", "consignment-d1")
    assert [line.split()[1:3] for line in said.splitlines()[1:]] == [
        ["001_core", "applied"],
        ["002_item_search", "pending"],
        ["003_sealing", "pending"],
    ]
