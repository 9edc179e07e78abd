"""The HTTP session against a loopback server that fails when a test says so."""

import io
import logging
import pickle
import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
import requests

from resources.http import HttpError, NoAnswerError, Patience, Session, connections
from resources.pacing import Pacing, Rate
from resources.verdicts import OK, Answer, Verdict, by_status
from tests.standin.loopback import Fault, Loopback, Reply, Request
from tests.standin.waits import Waits

SECRET = "tok-4f9a1c77"
BODY = b"0123456789" * 300_000


class Service:
    """Echoes requests. `/counted` counts those that had an effect, `/private` needs the newest token."""

    def __init__(self) -> None:
        self.counted = 0
        self.token = SECRET
        self.refreshed = 0
        self.loopback = Loopback(self.serve)

    def serve(self, request: Request) -> Reply:
        if request.path == "/counted":
            self.counted += 1
        if request.path == "/large":
            return Reply(BODY)
        if request.path == "/moved":
            return Reply(b"", 302, {"Location": f"{self.loopback.url}/elsewhere"})
        if request.path == "/private" and request.headers.get("Authorization") != f"Bearer {self.token}":
            return Reply({"error": "invalid_token", "error_description": f"Bearer {SECRET} is stale"}, 401)
        return Reply({"method": request.method, "query": dict(request.query), "headers": dict(request.headers)})


@pytest.fixture
def service() -> Iterator[Service]:
    echo = Service()
    with echo.loopback:
        yield echo


@pytest.fixture
def session(service: Service, waits: Waits, patience: Patience) -> Iterator[Session]:
    held = {"token": SECRET}

    def refresh() -> None:
        service.refreshed += 1
        held["token"] = service.token

    client = Session(
        "echo",
        auth=lambda: {"Authorization": f"Bearer {held['token']}"},
        refresh=refresh,
        patience=patience,
        clock=waits.clock,
        sleep=waits.sleep,
        jitter=lambda: 0.5,
    )
    yield client
    client.close()


def test_an_answer_is_given_as_it_came(service: Service, session: Session) -> None:
    echo = session.request("POST", f"{service.loopback.url}/x", params={"a": "b"}, json={"c": 1}).json()
    assert echo["method"] == "POST"
    assert echo["query"] == {"a": "b"}
    assert echo["headers"]["Authorization"] == f"Bearer {SECRET}"
    assert re.fullmatch(r"[0-9a-f]{32}", echo["headers"]["X-Request-Id"])
    assert service.loopback.requests[0].json == {"c": 1}


@pytest.mark.parametrize(
    ("fault", "waited"),
    [
        (Fault("status", status=503), 0.5 * 0.75),
        (Fault("status", status=500, headers={"Retry-After": "not a time"}), 0.5 * 0.75),
        (Fault("status", status=429, headers={"Retry-After": "30"}), 30.25),
        (
            Fault(
                "status",
                status=429,
                headers={"Date": "Sun, 01 Nov 2026 10:00:00 GMT", "Retry-After": "Sun, 01 Nov 2026 10:02:00 GMT"},
            ),
            120.25,
        ),
        (Fault("reset"), 0.5 * 0.75),
        (Fault("time-out"), 0.5 * 0.75),
        (Fault("cut"), 0.5 * 0.75),
    ],
)
def test_a_passing_fault_is_waited_out(
    service: Service, session: Session, waits: Waits, fault: Fault, waited: float
) -> None:
    service.loopback.fail(fault)
    assert session.request("GET", f"{service.loopback.url}/x").json()["method"] == "GET"
    assert waits.slept == [pytest.approx(waited)]


def test_waits_double_up_to_a_bound_and_end(service: Service, waits: Waits) -> None:
    patience = Patience(tries=12, longest_wait=8, waiting=1e6)
    client = Session("echo", patience=patience, clock=waits.clock, sleep=waits.sleep, jitter=lambda: 1.0)
    service.loopback.fail(*[Fault("status", status=502)] * 50)
    with pytest.raises(HttpError, match=r"GET 127\.0\.0\.1:\d+/x: HTTP 502: Bad Gateway"):
        client.request("GET", f"{service.loopback.url}/x")
    assert waits.slept == [0.5, 1, 2, 4, 8, 8, 8, 8, 8, 8, 8]
    client.close()


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize(
    ("fault", "rejected"),
    [
        (Fault("status", status=429), True),
        (Fault("status", status=500, done=True), False),
        (Fault("reset", done=True), False),
        (Fault("time-out", done=True), False),
        (Fault("cut", done=True), False),
    ],
)
def test_a_request_in_doubt_is_sent_again_only_if_that_is_harmless(
    service: Service, session: Session, fault: Fault, rejected: bool, idempotent: bool
) -> None:
    service.loopback.fail(fault)
    url = f"{service.loopback.url}/counted"
    if idempotent or rejected:
        session.request("POST", url, idempotent=idempotent)
        assert service.counted == (1 if rejected else 2)
    else:
        with pytest.raises(HttpError):
            session.request("POST", url)
        assert service.counted == 1


def test_a_request_that_never_left_is_sent_again(waits: Waits) -> None:
    client = Session("nobody", sleep=waits.sleep, clock=waits.clock)
    with pytest.raises(HttpError, match="no answer: NewConnectionError") as refused:
        client.request("POST", "http://127.0.0.1:9/x?token=zzz9")
    assert len(waits.slept) == 5
    assert refused.value.status is None
    assert "zzz9" not in str(refused.value)
    client.close()


def test_a_stale_token_is_refreshed_once(service: Service, session: Session) -> None:
    url = f"{service.loopback.url}/private"
    service.token = "second-token"
    assert session.request("POST", url).ok
    assert service.refreshed == 1

    service.loopback.fail(*[Fault("status", status=401)] * 9)
    with pytest.raises(HttpError, match="HTTP 401"):
        session.request("GET", url)
    assert service.refreshed == 2


def test_threads_with_one_stale_token_refresh_it_once(service: Service, session: Session) -> None:
    service.token = "second-token"
    together = threading.Barrier(4)

    def ask(_: int) -> bool:
        together.wait()
        return session.request("GET", f"{service.loopback.url}/private").ok

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, range(4))) == [True] * 4
    assert service.refreshed == 1


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"errors": [{"code": 7003, "message": "no route"}]}, "7003", "no route"),
        ({"error": {"code": 190, "message": "expired", "type": "OAuthException"}}, "190", "expired"),
        ({"error": {"status": "INVALID_ARGUMENT", "message": "bad"}}, "INVALID_ARGUMENT", "bad"),
        ([{"error": {"code": 403, "message": "denied"}}], "403", "denied"),
        ({"code": 40001, "message": "no permission"}, "40001", "no permission"),
        ({"error": "invalid_grant", "error_description": "revoked"}, "invalid_grant", "revoked"),
        ({"Errors": [{"Code": 105, "Message": "InvalidCredentials"}]}, "105", "InvalidCredentials"),
        (b"<html>", None, "Bad Request"),
        ([], None, "Bad Request"),
        ({"error": 5}, None, "Bad Request"),
    ],
)
def test_an_error_keeps_the_services_code_and_message(
    service: Service, session: Session, body: Any, code: str | None, message: str
) -> None:
    service.loopback.fail(Fault("status", status=400, body=body))
    with pytest.raises(HttpError) as refused:
        session.request("GET", f"{service.loopback.url}/x")
    assert (refused.value.status, refused.value.code, refused.value.message) == (400, code, message)
    assert len(service.loopback.requests) == 1


def test_secrets_reach_no_log_repr_or_error(
    service: Service, session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "resources")
    leaky = {"error": {"code": 5, "message": f"{SECRET} of someone@example.org, access_token=EAAB1234 at /x?key=zzz9"}}
    service.loopback.fail(Fault("status", status=400, body=leaky))
    with pytest.raises(HttpError) as refused:
        session.request("GET", f"{service.loopback.url}/x", params={"key": "zzz9"}, json={"password": "qqq8"})
    session.request("GET", f"{service.loopback.url}/keys/someone@example.org", route="kv/values")

    said = " ".join([str(refused.value), repr(refused.value), repr(session), *map(str, caplog.messages)])
    for secret in (SECRET, "someone", "EAAB1234", "zzz9", "qqq8"):
        assert secret not in said
    assert "HTTP 400 (code 5)" in str(refused.value)
    ours = [record.getMessage() for record in caplog.records if record.name == "resources.http"]
    assert len(ours) == 2
    assert re.search(rf"GET 127\.0\.0\.1:\d+/x 400 in \d+ ms, try 1, request {refused.value.request_id}", ours[0])


def test_no_exception_chain_carries_the_query_string(service: Service, session: Session) -> None:
    service.loopback.fail(*[Fault("reset")] * 9)
    with pytest.raises(HttpError) as refused:
        session.request("GET", f"{service.loopback.url}/x?secret=zzz9")
    link: BaseException | None = refused.value
    while link is not None:
        assert "zzz9" not in f"{link}{link!r}"
        link = link.__cause__ or link.__context__


def test_a_redirect_takes_no_secret_along(service: Service, session: Session) -> None:
    with pytest.raises(HttpError, match="HTTP 302"):
        session.request("GET", f"{service.loopback.url}/moved")
    echo = session.request("GET", f"{service.loopback.url}/moved", authorize=False).json()
    assert "Authorization" not in echo["headers"]


def test_a_netrc_entry_replaces_no_header(
    service: Service, session: Session, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("default login someone password else\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    echo = session.request("GET", f"{service.loopback.url}/x").json()
    assert echo["headers"]["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_a_download_that_breaks_is_begun_again(service: Service, session: Session, kind: Any, waits: Waits) -> None:
    service.loopback.fail(Fault(kind), Fault(kind))
    destination = io.BytesIO(b"before")
    destination.seek(6)
    assert session.download(f"{service.loopback.url}/large", destination) == len(BODY)
    assert destination.getvalue() == b"before" + BODY
    assert len(waits.slept) == 2
    assert all("Authorization" not in request.headers for request in service.loopback.requests)


def test_a_stream_leaves_the_body_unread(service: Service, session: Session) -> None:
    with session.request("GET", f"{service.loopback.url}/large", stream=True) as response:
        assert next(response.iter_content(10)) == BODY[:10]


def classify_by_body(response: requests.Response) -> Verdict:
    kind = response.json().get("kind")
    verdicts: dict[str | None, Callable[[], Verdict]] = {
        "throttled": lambda: Verdict(Answer.RETRY, after=40, rejected=True),
        "expired": lambda: Verdict(Answer.REFRESH),
        "revoked": lambda: Verdict(Answer.FATAL, code="190", message="the token was revoked"),
        None: lambda: OK,
    }
    return verdicts[kind]()


def test_a_service_says_what_its_answers_mean(service: Service, session: Session, waits: Waits) -> None:
    url = f"{service.loopback.url}/counted"
    for kind in ("throttled", "expired"):
        service.loopback.fail(Fault("body", body={"kind": kind}))
    session.request("POST", url, classify=classify_by_body)
    assert service.counted == 1
    assert service.refreshed == 1
    assert waits.slept == [40.25]

    service.loopback.fail(Fault("body", body={"kind": "revoked"}))
    with pytest.raises(HttpError, match=r"HTTP 200 \(code 190\): the token was revoked"):
        session.request("POST", url, classify=classify_by_body)


def test_a_wait_beyond_patience_is_the_callers(service: Service, session: Session, waits: Waits) -> None:
    service.loopback.fail(Fault("status", status=429, headers={"Retry-After": "3600"}))
    with pytest.raises(HttpError) as refused:
        session.request("GET", f"{service.loopback.url}/x")
    assert refused.value.retry_after == 3600
    assert waits.slept == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Ratelimit": '"default";r=0;t=90'},
        {"RateLimit-Remaining": "0", "RateLimit-Reset": "90"},
    ],
)
def test_an_empty_quota_holds_back_the_next_of_its_bucket(
    service: Service, waits: Waits, headers: dict[str, str]
) -> None:
    pacing = Pacing(Rate(100, 100), clock=waits.clock, sleep=waits.sleep)
    client = Session("echo", pacing=pacing, clock=waits.clock, sleep=waits.sleep)
    service.loopback.fail(Fault("body", headers=headers))
    client.request("GET", f"{service.loopback.url}/x", pacing_key="a")
    client.request("GET", f"{service.loopback.url}/x", pacing_key="b")
    assert waits.slept == []
    client.request("GET", f"{service.loopback.url}/x", pacing_key="a")
    assert waits.slept == [pytest.approx(90)]
    client.close()


@pytest.mark.parametrize(
    "error",
    [
        HttpError("GET x", 429, "5", "slow", retry_after=3.0, request_id="r"),
        NoAnswerError("GET x", None, "ReadTimeout", "see that x can be reached", retry_after=3.0, request_id="r"),
    ],
)
def test_an_error_survives_a_process_boundary(error: HttpError) -> None:
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert (copy.status, copy.retry_after) == (error.status, 3.0)


def test_by_status_reads_no_body_of_a_good_answer() -> None:
    response = requests.Response()
    response.status_code = 204
    assert by_status(response) is OK


def test_sessions_of_several_credentials_share_connections_and_nothing_else(service: Service) -> None:
    """What a connection costs to open is paid once. Each request has the headers of its own session."""
    transport = connections()
    with closing(transport):
        for token in ("first", "second", "third"):
            client = Session("echo", auth=lambda token=token: {"Authorization": token}, transport=transport)  # type: ignore[misc]
            answer = client.request("GET", f"{service.loopback.url}/own")
            assert answer.json()["headers"]["Authorization"] == token
            client.close()
        (host,) = transport.poolmanager.pools.keys()
        pool = transport.poolmanager.pools[host]
        assert (pool.num_connections, pool.num_requests) == (1, 3)
