"""Each fault on the way to Workers KV ends well or with an error; nothing is lost or doubled."""

import math

import pytest

from resources.http import HttpError
from resources.kv import CloudflareKV, Entry, KVError, hidden, limits
from tests.standin.cloudflare import TOKEN, Cloudflare
from tests.standin.loopback import Fault
from tests.standin.waits import Waits

FAILURE = {"success": False, "errors": [{"code": 10013, "message": "internal error"}], "messages": [], "result": None}
FAULTS = {
    "429 with Retry-After": Fault("status", status=429, headers={"Retry-After": "7"}),
    "429 without Retry-After": Fault("status", status=429),
    "500": Fault("status", status=500, body=FAILURE, done=True),
    "502": Fault("status", status=502),
    "503": Fault("status", status=503, headers={"Retry-After": "3"}),
    "time-out": Fault("time-out", done=True),
    "reset": Fault("reset", done=True),
    "cut body": Fault("cut"),
    "not JSON": Fault("not-json"),
}
faults = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)


@faults
def test_writes_converge(standin_kv: CloudflareKV, cloudflare_api: Cloudflare, waits: Waits, fault: Fault) -> None:
    cloudflare_api.loopback.fail(*[fault] * (1 if fault.kind == "time-out" else 2))
    standin_kv.put_many([Entry("a", b"\xff"), Entry("b", b"2"), Entry("c", b"3")])
    assert cloudflare_api.kv.get_many(["a", "b", "c"]) == {"a": b"\xff", "b": b"2", "c": b"3"}
    assert waits.slept

    cloudflare_api.loopback.fail(fault)
    standin_kv.delete_many(["a", "b"])
    assert [info.name for info in cloudflare_api.kv.list()] == ["c"]


@pytest.mark.parametrize("fault", [FAULTS[name] for name in FAULTS if name != "not JSON"])
def test_reads_converge(standin_kv: CloudflareKV, cloudflare_api: Cloudflare, fault: Fault) -> None:
    cloudflare_api.kv.put_many([Entry("a", b"\xff\xfe"), Entry("b", "\ufffd".encode())])
    for path in ("/bulk/get", "/values/a", "/values/b", "/keys"):
        cloudflare_api.loopback.fail(Fault(fault.kind, path, fault.done, fault.status, fault.body, fault.headers))
    assert standin_kv.get_many(["a", "b", "c"]) == {"a": b"\xff\xfe", "b": "\ufffd".encode()}
    assert [info.name for info in standin_kv.list()] == ["a", "b"]
    assert not cloudflare_api.loopback.faults


def test_unsuccessful_keys_alone_are_sent_again(standin_kv: CloudflareKV, cloudflare_api: Cloudflare) -> None:
    cloudflare_api.failing_keys = {"k1": 2, "k3": 1}
    standin_kv.put_many(Entry(f"k{i}", str(i).encode(), metadata={"i": i}) for i in range(5))
    assert {info.name: info.metadata for info in cloudflare_api.kv.list()} == {f"k{i}": {"i": i} for i in range(5)}
    assert [[pair["key"] for pair in request.json] for request in cloudflare_api.loopback.requests] == [
        ["k0", "k1", "k2", "k3", "k4"],
        ["k1", "k3"],
        ["k1"],
    ]

    cloudflare_api.failing_keys = {"k2": 1}
    standin_kv.delete_many(["k0", "k2"])
    assert [info.name for info in cloudflare_api.kv.list()] == ["k1", "k3", "k4"]


def test_keys_that_never_succeed_are_named(standin_kv: CloudflareKV, cloudflare_api: Cloudflare) -> None:
    cloudflare_api.failing_keys = {"k1": 1_000}
    with pytest.raises(KVError, match=f"1 keys failed 6 times, {hidden('k1')} among them") as failed:
        standin_kv.put_many([Entry("k0", b""), Entry("k1", b"")])
    assert failed.value.keys == ("k1",)
    assert cloudflare_api.kv.get("k0") == b""


@pytest.mark.parametrize("fault", [FAULTS["500"], FAULTS["reset"], FAULTS["429 without Retry-After"]])
def test_a_fault_that_stays_fails_loudly(standin_kv: CloudflareKV, cloudflare_api: Cloudflare, fault: Fault) -> None:
    cloudflare_api.loopback.fail(*[fault] * 20)
    with pytest.raises(HttpError) as failed:
        standin_kv.put_many([Entry("a", b"1")])
    assert len(cloudflare_api.loopback.requests) == 6
    assert TOKEN not in str(failed.value)


def test_a_refusal_is_not_asked_again(standin_kv: CloudflareKV, cloudflare_api: Cloudflare) -> None:
    refusal = {"success": False, "errors": [{"code": 10013, "message": "namespace not found"}], "result": None}
    cloudflare_api.loopback.fail(*[Fault("status", status=404, body=refusal)] * 2)
    with pytest.raises(HttpError, match=r"GET kv/values: HTTP 404 \(code 10013\): namespace not found"):
        standin_kv.get("someone@example.org")
    with pytest.raises(HttpError, match="code 10013"):
        standin_kv.put_many([Entry("a", b"1")])
    assert len(cloudflare_api.loopback.requests) == 2


@pytest.mark.parametrize(
    "result", [None, "done", 7, [7], [{"title": "a"}], {"values": None}, {"values": ["a"]}], ids=repr
)
def test_an_answer_of_another_shape_is_a_clear_error(
    standin_kv: CloudflareKV, cloudflare_api: Cloudflare, result: object
) -> None:
    answer = Fault("body", body={"success": True, "errors": [], "messages": [], "result": result})
    cloudflare_api.loopback.fail(answer)
    with pytest.raises(KVError, match="the answer to kv/bulk/get has another form"):
        standin_kv.get_many(["a"])
    cloudflare_api.loopback.fail(answer)
    with pytest.raises(KVError, match="the answer to kv/keys has another form"):
        list(standin_kv.list())


@pytest.mark.parametrize("result", ["done", [7], {"unsuccessful_keys": "all"}], ids=repr)
def test_a_write_whose_answer_has_another_shape_is_a_clear_error(
    standin_kv: CloudflareKV, cloudflare_api: Cloudflare, result: object
) -> None:
    cloudflare_api.loopback.fail(Fault("body", body={"success": True, "errors": [], "result": result}))
    with pytest.raises(KVError, match="the answer to kv/bulk has another form"):
        standin_kv.put_many([Entry("a", b"1")])


def test_ten_thousand_keys_are_one_request(standin_kv: CloudflareKV, cloudflare_api: Cloudflare) -> None:
    standin_kv.put_many(Entry(f"k{i:05}", b"v") for i in range(10_001))
    assert [len(request.json) for request in cloudflare_api.loopback.requests] == [10_000, 1]
    standin_kv.delete_many(f"k{i:05}" for i in range(10_001))
    assert [len(request.json) for request in cloudflare_api.loopback.requests][2:] == [10_000, 1]
    assert list(cloudflare_api.kv.list()) == []


def test_a_bulk_stays_below_its_bytes(
    standin_kv: CloudflareKV, cloudflare_api: Cloudflare, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert limits.MAX_BULK_BYTES == 100_000_000
    monkeypatch.setattr(limits, "MAX_BULK_BYTES", 100_000)
    value = b"\xff" * 25_000
    standin_kv.put_many(Entry(f"k{i}", value) for i in range(5))
    assert [len(request.json) for request in cloudflare_api.loopback.requests] == [2, 2, 1]
    assert all(len(request.body) <= 100_000 for request in cloudflare_api.loopback.requests)


def test_a_bulk_read_that_is_too_large_is_halved(standin_kv: CloudflareKV, cloudflare_api: Cloudflare) -> None:
    pairs = {f"k{i}": b"x" * 300 for i in range(90)}
    cloudflare_api.kv.put_many(Entry(key, value) for key, value in pairs.items())
    cloudflare_api.largest_bulk_get = 10_000
    assert standin_kv.get_many(pairs) == pairs
    cloudflare_api.largest_bulk_get = 10
    with pytest.raises(HttpError, match="HTTP 413"):
        standin_kv.get_many(["k1"])


def test_a_spent_quota_is_waited_for(standin_kv: CloudflareKV, cloudflare_api: Cloudflare, waits: Waits) -> None:
    cloudflare_api.quota = 0
    sleep = waits.sleep

    def refill(seconds: float) -> None:
        sleep(seconds)
        cloudflare_api.quota = math.inf

    standin_kv._session._sleep = refill
    standin_kv.put_many([Entry("a", b"1")])
    assert max(waits.slept) >= 300
    assert cloudflare_api.kv.get("a") == b"1"
