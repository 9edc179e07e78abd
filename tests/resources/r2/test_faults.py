"""Each operation with a failed request: it succeeds in the end, or raises an error with nothing lost or doubled."""

import hashlib
from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
import requests

from resources.r2 import BucketObjectStore, ObjectStore, ObjectStoreError
from tests.resources.r2.conftest import PART_BYTES, lake_bucket
from tests.standin.loopback import SILENT_SECONDS, Fault, Loopback, Reply, Request

HOP_HEADERS = {"connection", "content-length", "date", "host", "server", "transfer-encoding"}
BIG = [bytes([number]) * (PART_BYTES // 2 + 1) for number in range(3)]

FAULTS = {
    "429": Fault("status", status=429),
    "429 with Retry-After": Fault("status", status=429, headers={"Retry-After": "1"}),
    "500": Fault("status", status=500),
    "502": Fault("status", status=502),
    "503": Fault("status", status=503),
    "time-out": Fault("time-out"),
    "reset": Fault("reset"),
    "cut body": Fault("cut"),
    "500 after the effect": Fault("status", status=500, done=True),
    "time-out after the effect": Fault("time-out", done=True),
    "reset after the effect": Fault("reset", done=True),
}
OPERATIONS: dict[str, Callable[[ObjectStore], object]] = {
    "put": lambda store: store.put("x/new", b"1"),
    "put if absent": lambda store: store.put_if_absent("x/new", b"1"),
    "put in parts": lambda store: store.put("x/new", BIG),
    "get": lambda store: store.get("x/there"),
    "list": lambda store: [info.key for info in store.list()],
    "delete": lambda store: store.delete(["x/there"]),
}
WANTED: dict[str, object] = {
    "put": None,
    "put if absent": True,
    "put in parts": None,
    "get": b"y" * 2000,
    "list": ["x/there"],
    "delete": None,
}
# obstore does not repeat a listing, or the start of an upload, whose answer breaks off.
LOUD = {("list", "cut body"), ("put in parts", "cut body")}


@pytest.fixture
def failing_s3(s3_url: str) -> Iterator[Loopback]:
    """moto's S3 behind a server that can make its answers fail."""

    def forward(request: Request) -> Reply:
        url = f"{s3_url}{request.path}?{urlencode(request.query)}".rstrip("?")
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_HEADERS}
        answer = requests.request(request.method, url, data=request.body, headers=headers, timeout=10)
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_HEADERS}
        return Reply(answer.content, answer.status_code, kept)

    with Loopback(forward) as loopback:
        yield loopback


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("operation", OPERATIONS)
def test_one_failure(failing_s3: Loopback, s3_url: str, operation: str, fault: str) -> None:
    prefix = hashlib.sha256(f"{operation} {fault}".encode()).hexdigest()
    direct = BucketObjectStore(lake_bucket(s3_url), prefix=prefix)
    direct.put("x/there", b"y" * 2000)
    # Long enough for a busy machine; short where the time-out itself is tested.
    seconds = 30.0 if FAULTS[fault].kind != "time-out" else 3.0 if operation == "put in parts" else SILENT_SECONDS
    store = BucketObjectStore(
        lake_bucket(failing_s3.url), prefix=prefix, request_seconds=seconds, retries=2, backoff_seconds=0.01
    )
    failing_s3.fail(FAULTS[fault])
    if (operation, fault) in LOUD:
        with pytest.raises(ObjectStoreError):
            OPERATIONS[operation](store)
    # With or without an error, the operation can be run again, and its effect is there once.
    assert OPERATIONS[operation](store) == WANTED[operation]
    assert not failing_s3.faults
    expected = {"x/there": b"y" * 2000}
    if operation == "delete":
        expected = {}
    elif operation.startswith("put"):
        expected["x/new"] = b"".join(BIG) if operation == "put in parts" else b"1"
    assert {info.key: direct.get(info.key) for info in direct.list()} == expected


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_store_that_stays_down_is_an_error(failing_s3: Loopback, s3_url: str, operation: str) -> None:
    store = BucketObjectStore(lake_bucket(failing_s3.url, "the-secret"), prefix="down", retries=1, backoff_seconds=0.01)
    failing_s3.fail(*[Fault("status", status=503)] * 20)
    with pytest.raises(ObjectStoreError) as raised:
        OPERATIONS[operation](store)
    assert "the-secret" not in str(raised.value)
    assert len(failing_s3.requests) < 10
    assert list(BucketObjectStore(lake_bucket(s3_url), prefix="down").list()) == []


def test_a_loser_stays_a_loser_through_a_lost_answer(failing_s3: Loopback) -> None:
    store = BucketObjectStore(lake_bucket(failing_s3.url), prefix="loser", backoff_seconds=0.01)
    assert store.put_if_absent("claim", b"same")
    failing_s3.fail(Fault("reset", done=True))
    assert not store.put_if_absent("claim", b"same")
    store.delete("claim")


def test_a_delete_that_is_refused_for_one_key_is_an_error(failing_s3: Loopback) -> None:
    store = BucketObjectStore(lake_bucket(failing_s3.url), backoff_seconds=0.01)
    refusal = b"<DeleteResult><Error><Key>b</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>"
    failing_s3.fail(*[Fault("body", path="lake", body=refusal)] * 3)
    with pytest.raises(ObjectStoreError, match="delete"):
        store.delete(["a", "b"])


@pytest.mark.parametrize("status", [401, 403])
def test_refused_credentials_fail_at_once(failing_s3: Loopback, status: int) -> None:
    store = BucketObjectStore(lake_bucket(failing_s3.url))
    failing_s3.fail(Fault("status", status=status, body=b"<Error><Code>AccessDenied</Code></Error>"))
    with pytest.raises(ObjectStoreError, match="get k"):
        store.get("k")
    assert len(failing_s3.requests) == 1


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (403, b'<?xml version="1.0"?>\n<Error><Code>AccessDenied</Code></Error>', "403 Forbidden (AccessDenied)"),
        (
            403,
            b"<Error><Code>InvalidAccessKeyId</Code><Message>x</Message></Error>",
            "403 Forbidden (InvalidAccessKeyId)",
        ),
        (404, b"<Error><Code>NoSuchBucket</Code></Error>", "404 Not Found (NoSuchBucket)"),
        (400, b"<html>\n<body>no S3 here</body>\n</html>", "400 Bad Request"),
    ],
)
def test_an_answer_that_refuses_is_one_short_line(failing_s3: Loopback, status: int, body: bytes, said: str) -> None:
    store = BucketObjectStore(lake_bucket(failing_s3.url), retries=0, backoff_seconds=0.01)
    for name, work in (("get k", lambda: store.get("k")), ("list k", lambda: list(store.list("k")))):
        failing_s3.fail(Fault("status", status=status, body=body))
        with pytest.raises(ObjectStoreError) as raised:
            work()
        assert str(raised.value) == f"{name}: the server answers {said}"
