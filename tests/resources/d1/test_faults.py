"""Each fault on the way to D1 ends well or with an error; nothing is lost or doubled."""

from dataclasses import dataclass

import pytest

from resources.d1 import CloudflareD1, D1Error
from resources.http import HttpError
from tests.standin.cloudflare import TOKEN, Cloudflare
from tests.standin.loopback import Fault
from tests.standin.waits import Waits


def failure(code: int, message: str) -> dict[str, object]:
    return {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}


LOST = failure(7500, "D1_ERROR: Network connection lost.")
RESET = failure(7500, "D1_ERROR: D1 DB storage operation exceeded timeout which caused object to be reset.")
OVERLOADED = failure(7500, "D1 DB is overloaded. Requests queued for too long.")


@dataclass(frozen=True)
class Case:
    """`once`: whether a statement that is not idempotent is sent again, or fails because it may have run."""

    name: str
    fault: Fault
    once: str

    @property
    def several(self) -> list[Fault]:
        """Two faults in a row, but only one time-out, because it takes real seconds."""
        return [self.fault] * (1 if self.fault.kind == "time-out" else 2)


CASES = [
    Case("429 with Retry-After", Fault("status", status=429, headers={"Retry-After": "7"}), "again"),
    Case("429 without Retry-After", Fault("status", status=429, body=failure(10429, "slow down")), "again"),
    Case("500 before", Fault("status", status=500), "stop"),
    Case("500 after", Fault("status", status=500, done=True), "stop"),
    Case("502", Fault("status", status=502, done=True), "stop"),
    Case("503", Fault("status", status=503, headers={"Retry-After": "3"}), "stop"),
    Case("time-out before", Fault("time-out"), "stop"),
    Case("time-out after", Fault("time-out", done=True), "stop"),
    Case("reset before", Fault("reset"), "stop"),
    Case("reset after", Fault("reset", done=True), "stop"),
    Case("cut body", Fault("cut"), "stop"),
    Case("not JSON", Fault("not-json", done=True), "stop"),
    Case("connection lost", Fault("body", body=LOST, done=True), "stop"),
    Case("object reset", Fault("status", status=500, body=RESET, done=True), "stop"),
    Case("overloaded", Fault("status", status=400, body=OVERLOADED), "stop"),
]
cases = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@pytest.fixture
def table_d1(standin_d1: CloudflareD1) -> CloudflareD1:
    standin_d1.execute("create table t (id text primary key, n integer)")
    standin_d1.execute("create table log (n integer)")
    return standin_d1


def seconds(waits: Waits, fault: Fault) -> bool:
    named = fault.headers.get("Retry-After")
    return any(wait >= float(named) for wait in waits.slept) if named else bool(waits.slept)


@cases
def test_an_upsert_converges(table_d1: CloudflareD1, cloudflare_api: Cloudflare, waits: Waits, case: Case) -> None:
    cloudflare_api.loopback.fail(*case.several)
    assert table_d1.upsert("t", ["id", "n"], [("a", 1), ("b", 2)], ["id"]) == 2
    assert cloudflare_api.d1.query("select * from t order by id") == [{"id": "a", "n": 1}, {"id": "b", "n": 2}]
    assert seconds(waits, case.fault)


@cases
def test_a_read_converges(table_d1: CloudflareD1, cloudflare_api: Cloudflare, waits: Waits, case: Case) -> None:
    cloudflare_api.d1.execute("insert into t values ('a', 9007199254740993)")
    cloudflare_api.loopback.fail(*case.several)
    assert table_d1.query("select n from t") == [{"n": 2**53 + 1}]
    assert seconds(waits, case.fault)


@cases
def test_what_may_not_run_twice_runs_once_at_most(
    table_d1: CloudflareD1, cloudflare_api: Cloudflare, case: Case
) -> None:
    cloudflare_api.loopback.fail(case.fault)
    if case.once == "again":
        assert table_d1.execute("insert into log values (1)") == 1
        expected = 1
    else:
        with pytest.raises((HttpError, D1Error)):
            table_d1.execute("insert into log values (1)")
        expected = int(case.fault.done or case.fault.kind == "cut")
    assert cloudflare_api.d1.query("select count(*) as n from log") == [{"n": expected}]


# Six time-outs would take real seconds, so the reset is tested in their place.
@pytest.mark.parametrize("case", [case for case in CASES if case.fault.kind != "time-out"], ids=lambda case: case.name)
def test_a_fault_that_stays_fails_loudly(table_d1: CloudflareD1, cloudflare_api: Cloudflare, case: Case) -> None:
    cloudflare_api.loopback.fail(*[case.fault] * 20)
    before = len(cloudflare_api.loopback.requests)
    with pytest.raises((HttpError, D1Error)) as failed:
        table_d1.upsert("t", ["id", "n"], [("a", 1)], ["id"])
    assert len(cloudflare_api.loopback.requests) - before == 6
    assert TOKEN not in str(failed.value)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (Fault("body", body=failure(7500, "UNIQUE constraint failed: t.id: SQLITE_CONSTRAINT")), "D1 error 7500: UN"),
        (Fault("status", status=500, body=failure(7500, "no such table: x: SQLITE_ERROR")), "D1 error 7500: no such"),
        (Fault("body", body=failure(1234, "something else")), "code 1234"),
        (Fault("body", body={"success": True, "result": []}), "has another form"),
        (Fault("body", body={"success": True, "result": [{"success": False}]}), "has another form"),
        (Fault("body", body={"success": True, "result": None}), "has another form"),
        (Fault("status", status=401, body=failure(10000, "Authentication error")), "code 10000"),
        (Fault("status", status=403, body=failure(9109, "Unauthorized")), "code 9109"),
        (Fault("status", status=404, body=failure(7404, "The database could not be found")), "D1 error 7404"),
        (Fault("status", status=302, headers={"Location": "/elsewhere"}), "HTTP 302"),
    ],
)  # fmt: skip
def test_a_refusal_is_not_asked_again(
    table_d1: CloudflareD1, cloudflare_api: Cloudflare, fault: Fault, reason: str
) -> None:
    cloudflare_api.loopback.fail(fault)
    before = len(cloudflare_api.loopback.requests)
    with pytest.raises((HttpError, D1Error)) as refused:
        table_d1.query("select 1 as a")
    assert reason in str(refused.value)
    assert len(cloudflare_api.loopback.requests) - before == 1


def test_a_read_counts_no_change_that_the_service_remembers(table_d1: CloudflareD1, cloudflare_api: Cloudflare) -> None:
    answer = {"success": True, "results": {"columns": ["a"], "rows": [[1]]}, "meta": {"changes": 5}}
    cloudflare_api.loopback.fail(*[Fault("body", body={"success": True, "result": [answer]})] * 2)
    assert table_d1.execute("select 1 as a") == 0
    assert table_d1.execute("insert into log values (1)") == 5


def test_a_long_retry_after_is_handed_to_the_caller(table_d1: CloudflareD1, cloudflare_api: Cloudflare) -> None:
    cloudflare_api.loopback.fail(Fault("status", status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(HttpError) as refused:
        table_d1.query("select 1 as a")
    assert refused.value.retry_after == 3600


def test_a_spent_quota_is_waited_for(table_d1: CloudflareD1, cloudflare_api: Cloudflare, waits: Waits) -> None:
    cloudflare_api.quota = 0
    sleep = waits.sleep

    def refill(seconds: float) -> None:
        sleep(seconds)
        cloudflare_api.quota = 1_200

    table_d1._session._sleep = refill
    assert table_d1.execute("insert into log values (1)") == 1
    assert max(waits.slept) >= 300
