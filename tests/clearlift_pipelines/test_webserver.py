"""The real webserver over HTTP and websockets: what another web page may not do, what programs and the UI may, and who
is let in.
"""

import base64
import json
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from clearlift_pipelines import webserver as module
from tests.clearlift_pipelines.served import MUTATION, Webserver, webserver

pytestmark = pytest.mark.xdist_group("webserver")

BODY = json.dumps({"query": MUTATION})
JSON = {"Content-Type": "application/json"}
FOREIGN = "https://evil.example"
PASSWORD = "correct horse battery"
PROXY = "127.0.0.2"
LINK = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
IN_ADDRESS = f"/graphql?query={MUTATION.replace(' ', '')}"
REPORT = "/report_asset_materialization/stranger"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webserver]:
    """Nothing is asked of a visitor; a further name is ours."""
    hosts = {"CLEARLIFT_UI_HOSTS": "pipelines.example, other.example"}
    with webserver(tmp_path_factory.mktemp("open"), hosts) as served:
        yield served


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webserver]:
    """A password is asked, or the header of a proxy."""
    asked = {
        "CLEARLIFT_UI_PASSWORD": PASSWORD,
        "CLEARLIFT_UI_PROXY_HEADER": "X-Visitor",
        "CLEARLIFT_UI_PROXY_ADDRESS": PROXY,
    }
    with webserver(tmp_path_factory.mktemp("closed"), asked) as served:
        yield served


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("GET", IN_ADDRESS, {}, 405),
        ("GET", IN_ADDRESS.replace("query", "%71uery"), LINK, 405),
        ("GET", IN_ADDRESS, {"Host": "evil.example", "Referer": FOREIGN, "Sec-Fetch-Site": "cross-site"}, 421),
        ("POST", IN_ADDRESS, {}, 415),
        ("POST", IN_ADDRESS, {"Content-Type": "text/plain"}, 415),
        ("POST", IN_ADDRESS, {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        ("POST", "/graphql", {"Content-Type": "text/plain; application/json"}, 415),
        ("POST", "/graphql", JSON | {"Origin": FOREIGN}, 403),
        ("POST", "/graphql", JSON | {"Origin": "null"}, 403),
        ("POST", "/graphql", JSON | {"Origin": "http://127.0.0.1:1"}, 403),
        ("POST", "/graphql", JSON | {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", "/graphql", JSON | {"Sec-Fetch-Site": "same-site"}, 403),
        ("POST", "/graphql", JSON | LINK, 403),
        ("POST", "/graphql", JSON | {"Host": "evil.example"}, 421),
        ("POST", "/graphql", JSON | {"Host": "127.0.0.1@evil.example"}, 421),
        ("GET", "/graphql", {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 403),
        ("GET", "/", {**LINK, "Sec-Fetch-Dest": "iframe"}, 403),
        ("GET", "/", {"Host": "evil.example"}, 421),
        ("POST", REPORT, {}, 415),
        ("POST", REPORT, JSON | {"Origin": FOREIGN}, 403),
        ("POST", REPORT, JSON | {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", "/report_asset_check/stranger", {"Content-Type": "text/plain"}, 415),
        ("POST", "/report_asset_observation/stranger", JSON | {"Host": "evil.example"}, 421),
    ],
)
def test_what_another_page_sends_is_refused(
    ours: Webserver, method: str, path: str, headers: Mapping[str, str], status: int
) -> None:
    answer = ours.send(method, path, headers, body=BODY if method == "POST" else "")
    assert (answer.status_code, ours.changed()) == (status, False), answer.text
    assert answer.text.count("\n") == 1


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "application/json; charset=utf-8"},
        {"Origin": "SELF", "Sec-Fetch-Site": "same-origin"},
        {"Host": "localhost:1", "Origin": "http://localhost:1"},
        {"Host": "PIPELINES.example", "Origin": "https://pipelines.example", "Sec-Fetch-Site": "same-origin"},
        {"Host": "other.example:443", "Origin": "https://other.example"},
    ],
)
def test_programs_and_its_own_pages_may_write(ours: Webserver, headers: Mapping[str, str]) -> None:
    filled = {name: value.replace("SELF", ours.url) for name, value in headers.items()}
    answer = ours.send("POST", "/graphql", JSON | filled, body=BODY)
    assert (answer.status_code, ours.changed()) == (200, True), answer.text


def test_programs_may_report_an_asset(ours: Webserver) -> None:
    assert ours.send("POST", REPORT, JSON, body="{}").ok


def test_a_link_leads_to_the_ui_which_no_page_may_frame(ours: Webserver) -> None:
    for path in ("/", "/runs", "/graphql"):
        answer = ours.send("GET", path, LINK | {"Accept": "text/html"})
        assert answer.status_code == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize(
    ("origin", "headers"),
    [
        (FOREIGN, {}),
        ("null", {}),
        ("http://127.0.0.1:1", {}),
        (None, {"Sec-Fetch-Site": "cross-site"}),
        (None, {"Host": "evil.example"}),
    ],
)
def test_another_pages_websocket_is_refused(ours: Webserver, origin: str | None, headers: Mapping[str, str]) -> None:
    assert refused(ours, origin, headers)


def test_its_own_websocket_works_and_changes_nothing(ours: Webserver) -> None:
    assert not refused(ours, ours.url, {"Sec-Fetch-Site": "same-origin"})
    assert not refused(ours, None, {})
    with opened(ours, ours.url, {}) as websocket:
        websocket.send(json.dumps({"type": "start", "id": "1", "payload": {"query": MUTATION}}))
        assert json.loads(websocket.recv(10))["type"] == "error"
    assert not ours.changed()


def opened(served: Webserver, origin: str | None, headers: Mapping[str, str]) -> ClientConnection:
    """A websocket; a Host of `headers` replaces the address."""
    headers = dict(headers)
    host = headers.pop("Host", served.host)
    return connect(
        f"ws://{host}/graphql",
        sock=socket.create_connection(("127.0.0.1", served.port)),
        origin=None if origin is None else Origin(origin),
        additional_headers=headers,
        subprotocols=[Subprotocol("graphql-ws")],
        proxy=None,
    )


def refused(served: Webserver, origin: str | None, headers: Mapping[str, str]) -> bool:
    try:
        with opened(served, origin, headers) as websocket:
            websocket.send(json.dumps({"type": "connection_init"}))
            assert json.loads(websocket.recv(10)) == {"type": "connection_ack"}
    except InvalidStatus as error:
        return error.response.status_code == 403
    return False


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"me:{password}".encode()).decode()}


@pytest.mark.parametrize(
    "headers", [{}, basic("wrong horse battery"), {"Authorization": "Basic !"}, {"X-Visitor": "me"}]
)
def test_a_stranger_is_asked_for_the_password(closed: Webserver, headers: Mapping[str, str]) -> None:
    for method, path in (("GET", "/"), ("POST", "/graphql"), ("POST", f"{REPORT}/server_info")):
        answer = closed.send(method, path, {**JSON, **headers}, body=BODY)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        assert "Set-Cookie" not in answer.headers
    assert not closed.changed()
    assert refused(closed, closed.url, headers)


def test_the_password_leaves_a_cookie_that_websockets_are_opened_with(closed: Webserver) -> None:
    answer = closed.send("GET", "/", basic(PASSWORD))
    assert answer.status_code == 200
    kept = answer.headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(kept.split("; "))
    cookie = {"Cookie": kept.partition(";")[0]}
    again = closed.send("POST", "/graphql", JSON | cookie, body=BODY)
    assert (again.status_code, closed.changed(), "Set-Cookie" in again.headers) == (200, True, False)
    assert not refused(closed, closed.url, cookie)
    assert not refused(closed, None, basic(PASSWORD))
    # Another page's request carries a cookie where a browser is old.
    assert closed.send("POST", "/graphql", JSON | cookie | {"Origin": FOREIGN}, body=BODY).status_code == 403
    assert "Secure" in closed.send("GET", "/", basic(PASSWORD) | {"X-Forwarded-Proto": "https"}).headers["Set-Cookie"]


def test_a_proxys_header_counts_from_the_proxy_alone(closed: Webserver) -> None:
    visitor = {"X-Visitor": "me@example.org"}
    assert closed.send("GET", "/", visitor, by=PROXY).status_code == 200
    assert closed.send("GET", "/", {}, by=PROXY).status_code == 401
    assert closed.send("GET", "/", visitor).status_code == 401
    # Nor from one who says to be it, or behind it.
    assert closed.send("GET", "/", visitor | {"X-Forwarded-For": PROXY}).status_code == 401
    # What the proxy says of the visitor's address does not matter.
    assert closed.send("GET", "/", visitor | {"X-Forwarded-For": "203.0.113.9"}, by=PROXY).status_code == 200


def test_what_looks_whether_it_lives_needs_no_password(closed: Webserver) -> None:
    answer = closed.send("GET", "/server_info")
    assert answer.json().keys() == {"dagster_webserver_version", "dagster_version", "dagster_graphql_version"}


@pytest.mark.parametrize(
    ("variables", "host", "said"),
    [
        ({}, "0.0.0.0", "other machines reach the host '0.0.0.0': set CLEARLIFT_UI_PASSWORD"),
        ({}, "", "other machines reach the host ''"),
        ({"CLEARLIFT_UI_PASSWORD": "short"}, "127.0.0.1", "CLEARLIFT_UI_PASSWORD is shorter than 12 characters"),
        ({"CLEARLIFT_UI_PROXY_HEADER": "X-Visitor"}, "::", "CLEARLIFT_UI_PROXY_HEADER and CLEARLIFT_UI_PROXY_ADDRESS"),
        (
            {"CLEARLIFT_UI_PROXY_HEADER": "X-Visitor", "CLEARLIFT_UI_PROXY_ADDRESS": "proxy"},
            "::",
            "CLEARLIFT_UI_PROXY_ADDRESS: 'proxy' does not appear to be",
        ),
    ],
)
def test_an_open_door_is_not_opened(
    bare_environment: Path, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str], host: str, said: str
) -> None:
    del bare_environment
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    command = module.guarded_command()
    ended = CliRunner().invoke(command, ["--empty-workspace", "--host", host])
    assert ended.exit_code == 1
    assert said in ended.output
    assert ended.output.count("\n") == 1


def test_the_ui_works_in_a_browser(ours: Webserver, tmp_path: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on this machine")
    page = subprocess.run(
        [
            *(chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}"),
            *("--virtual-time-budget=15000", "--dump-dom", f"{ours.url}/deployment/locations"),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout
    assert "No code locations" in page or "Code locations" in page
