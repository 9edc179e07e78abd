"""The rooms of Workers KV for the contract suite."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from resources.http import Session
from resources.kv import KV, CloudflareKV, EmbeddedKV
from tests.standin.cloudflare import ACCOUNT, NAMESPACE, Cloudflare
from tests.standin.waits import Waits
from tests.workerd.local_runtime import Workerd, local_session


@pytest.fixture
def standin_kv(cloudflare_api: Cloudflare, cloudflare_session: Session, waits: Waits) -> CloudflareKV:
    """The real client on the stand-in."""
    return CloudflareKV(cloudflare_session, ACCOUNT, NAMESPACE, api=cloudflare_api.api, clock=waits.clock)


@pytest.fixture(params=["embedded", "standin", pytest.param("workerd", marks=pytest.mark.xdist_group("workerd"))])
def kv(request: pytest.FixtureRequest, tmp_path: Path, waits: Waits) -> Iterator[KV]:
    """An empty namespace in each room."""
    if request.param == "embedded":
        namespace: KV = EmbeddedKV(tmp_path / "new" / "folder" / "kv.sqlite", clock=waits.clock)
    elif request.param == "standin":
        namespace = request.getfixturevalue("standin_kv")
    else:
        workerd: Workerd = request.getfixturevalue("workerd")
        namespace = CloudflareKV(local_session(), "", workerd.namespaces[0], api=workerd.api, bulk_pairs=500)
        namespace.delete_many([info.name for info in namespace.list()])
    yield namespace
    namespace.close()
