"""D1 and Workers KV: many rows or keys in one request, beside one request for each.

They run on the embedded stores, and on Cloudflare's local runtime if Node can be installed. Its KV becomes much slower
above 500 keys a request, so it gets 500 at a time; the real Workers KV accepts 10,000.
"""

import atexit
import shutil
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

from benchmarks import dataset, measure
from resources.d1 import D1, CloudflareD1, EmbeddedD1
from resources.http import Session
from resources.kv import KV, CloudflareKV, EmbeddedKV, Entry
from tests.workerd.local_runtime import NotInstalledError, Workerd, installed, local_session, running

ROWS = 1_000
KEYS = 10_000
# 10,000 single requests would take minutes. Only the rates are compared.
SINGLE_KEYS = 1_000
LOCAL_BULK_PAIRS = 500
COLUMNS = ("id", "path", "seconds")
EMBEDDED = ("d1_one_request", "d1_row_by_row", "kv_one_request", "kv_key_by_key")
LOCAL = ("local_d1_one_request", "local_d1_row_by_row", "local_kv_bulks", "local_kv_key_by_key")

Work = Callable[[], Mapping[str, Any]]


def main() -> None:
    """Print the table."""
    contenders: tuple[str, ...] = EMBEDDED
    try:
        installed()
        contenders += LOCAL
    except NotInstalledError as error:
        print(f"\nSKIPPED: stores on Cloudflare's local runtime: npm install failed: {error}")
    measured = measure.contest("benchmarks.stores", contenders)
    rows = []
    for many, single in zip(contenders[::2], contenders[1::2], strict=True):
        together, one_by_one = (measured[name].details["items"] / measured[name].seconds for name in (many, single))
        for name in (many, single):
            details, rate = measured[name].details, together if name == many else one_by_one
            times = f"{together / one_by_one:.1f}" if name == many else ""
            rows.append([name, f"{details['items']:,}", f"{details['calls']:,}", f"{rate:,.0f}", times])
    measure.table(
        "Stores: rows of D1 and keys of KV, together and one by one",
        ["contender", "rows or keys", "requests (embedded: calls)", "a second", "… times as many as one by one"],
        rows,
    )


def d1_one_request() -> Work:
    return _d1_together(_embedded_d1())


def d1_row_by_row() -> Work:
    return _d1_one_by_one(_embedded_d1())


def kv_one_request() -> Work:
    return _kv_together(EmbeddedKV(new_folder() / "kv.sqlite"))


def kv_key_by_key() -> Work:
    return _kv_one_by_one(EmbeddedKV(new_folder() / "kv.sqlite"), KEYS)


def local_d1_one_request() -> Work:
    database, session = _local_d1()
    return _requests(session, _d1_together(database))


def local_d1_row_by_row() -> Work:
    database, session = _local_d1()
    return _requests(session, _d1_one_by_one(database))


def local_kv_bulks() -> Work:
    namespace, session = open_local_kv()
    return _requests(session, _kv_together(namespace))


def local_kv_key_by_key() -> Work:
    namespace, session = open_local_kv()
    return _requests(session, _kv_one_by_one(namespace, SINGLE_KEYS))


def _d1_together(database: D1) -> Work:
    _make_table(database)

    def work() -> Mapping[str, Any]:
        assert database.upsert("visits", COLUMNS, _rows(), ["id"]) == ROWS
        return {"items": ROWS, "calls": 1}

    return work


def _d1_one_by_one(database: D1) -> Work:
    _make_table(database)

    def work() -> Mapping[str, Any]:
        for row in _rows():
            assert database.upsert("visits", COLUMNS, [row], ["id"]) == 1
        return {"items": ROWS, "calls": ROWS}

    return work


def _make_table(database: D1) -> None:
    database.execute("create table visits (id text primary key, path text, seconds real)")


def _kv_together(namespace: KV) -> Work:
    def work() -> Mapping[str, Any]:
        namespace.put_many(_entries(KEYS))
        return {"items": KEYS, "calls": 1}

    return work


def _kv_one_by_one(namespace: KV, keys: int) -> Work:
    def work() -> Mapping[str, Any]:
        for entry in _entries(keys):
            namespace.put_many([entry])
        return {"items": keys, "calls": keys}

    return work


def _rows() -> list[list[Any]]:
    return [[f"visit-{n:05}", f"/p/{n % 400}", n / 7] for n in range(ROWS)]


def _entries(count: int) -> list[Entry]:
    return [Entry(f"clearlift:summary:{n:05}", b'{"events": 1234, "visitors": 567}' * 8) for n in range(count)]


def new_folder() -> Path:
    """A new folder, which is removed when the process ends."""
    # Absolute, because a URL cannot name a relative one.
    folder = (dataset.ROOT / f"stores-{uuid.uuid4()}").resolve()
    folder.mkdir(parents=True)
    atexit.register(shutil.rmtree, folder)
    return folder


def _embedded_d1() -> D1:
    return EmbeddedD1(new_folder() / "d1.sqlite")


def _local() -> Workerd:
    folder = new_folder()
    stack = ExitStack()
    atexit.register(stack.close)  # before the folder is removed: the last one registered runs first
    return stack.enter_context(running(folder))


class Counted:
    """A session that counts its requests."""

    def __init__(self) -> None:
        self.session = local_session()
        self.requests = 0

    def request(self, *arguments: Any, **options: Any) -> Any:
        self.requests += 1
        return self.session.request(*arguments, **options)


def _local_d1() -> tuple[D1, Counted]:
    local, counted = _local(), Counted()
    return CloudflareD1(cast(Session, counted), "", local.databases[0], api=local.api), counted


def open_local_kv() -> tuple[KV, Counted]:
    """A namespace of a local runtime that ends with the process, and the counter of its requests."""
    local, counted = _local(), Counted()
    session = cast(Session, counted)
    return CloudflareKV(session, "", local.namespaces[0], api=local.api, bulk_pairs=LOCAL_BULK_PAIRS), counted


def _requests(counted: Counted, work: Work) -> Work:
    """The same work; its `calls` are the requests that it really made."""
    made_before = counted.requests

    def counted_work() -> Mapping[str, Any]:
        return {**work(), "calls": counted.requests - made_before}

    return counted_work


if __name__ == "__main__":
    main()
