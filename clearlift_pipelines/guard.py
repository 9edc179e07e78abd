"""Which requests reach Dagster's webserver: those of its own pages and of programs, and none that another web page
makes a visitor's browser send.

A browser says where a request comes from (Origin, Sec-Fetch-Site) and which name it believes in (Host). A program such
as curl says neither, and is let through. Who a visitor is belongs to login.py.
"""

import re
from collections.abc import Collection, Mapping
from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from clearlift_pipelines.login import Login, Way, is_loopback

# A browser applies it besides the policy of Dagster's own, which only the first page has.
POLICY = "frame-ancestors 'none'; form-action 'self'"
HOST = re.compile(r"([a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]+)?", re.IGNORECASE)
PORTS = {"http": 80, "https": 443}
READING = ("GET", "HEAD", "OPTIONS")
# Versions alone; what looks whether the webserver lives knows no password.
HEALTH = "/server_info"


class Refusal(NamedTuple):
    """An HTTP status, and one line that says why."""

    status: int
    reason: str


def refusal(request: HTTPConnection, hosts: Collection[str]) -> Refusal | None:
    """Why a request is not let through; None lets it through. `hosts` are names that are ours, in lower case."""
    given = request.headers.getlist("host")
    host = given[0].lower() if len(given) == 1 and HOST.fullmatch(given[0]) else ""
    name = (urlsplit(f"//{host}").hostname or "") if host else ""
    # The address that was connected to cannot be a foreign name that was made to lead here.
    reached = (request.scope.get("server") or ("",))[0]
    if not name or not (is_loopback(name) or name in hosts or name == reached):
        return Refusal(421, "unknown Host: add its name to CLEARLIFT_UI_HOSTS")
    if any(not _same(origin, host) for origin in request.headers.getlist("origin")):
        return Refusal(403, "a page of another origin may not send requests here")
    method = request.scope.get("method", "")
    site = request.headers.get("sec-fetch-site", "none")
    if site not in ("same-origin", "none") and not (method == "GET" and _by_link(request)):
        return Refusal(403, "a page of another site may not send requests here")
    if method in READING:
        if request.scope["path"].endswith("/graphql") and "query" in request.query_params:
            return Refusal(405, "GraphQL is taken by POST alone")
    elif method and _media_type(request) != "application/json":
        # Of other types a form sends some without asking first, and Dagster then takes the query from the address.
        return Refusal(415, "Content-Type must be application/json")
    return None


def _same(origin: str, host: str) -> bool:
    try:
        scheme = urlsplit(origin).scheme
        ours, theirs = urlsplit(f"{scheme}://{host}"), urlsplit(origin)
        port = PORTS[scheme]
        return (ours.hostname, ours.port or port) == (theirs.hostname, theirs.port or port)
    except (KeyError, ValueError):  # `null`, an extension's page, no address at all
        return False


def _by_link(request: HTTPConnection) -> bool:
    """Whether a visitor followed a link; a frame is not one."""
    return (request.headers.get("sec-fetch-mode"), request.headers.get("sec-fetch-dest")) == ("navigate", "document")


def _media_type(request: HTTPConnection) -> str:
    given = request.headers.getlist("content-type")
    return given[0].partition(";")[0].strip().lower() if len(given) == 1 else ""


class Guard:
    """ASGI middleware: refuses, asks who is there, adds the policy to each answer. `prefix` is that of all paths."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], login: Login, prefix: str = "") -> None:
        self._app = app
        self._hosts = hosts
        self._login = login
        self._health = prefix + HEALTH

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request or websocket through to the application, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        refused, way = refusal(request, self._hosts), Way.OPEN
        headers: Mapping[str, str] = {}
        if refused is None and scope["path"] != self._health:
            way = self._login.way_in(request)
            if way is Way.NONE:
                refused, headers = Refusal(401, "who is there?"), self._login.challenge
            elif way is Way.PASSWORD:
                headers = self._login.cookie(request)

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                answered = MutableHeaders(scope=message)
                answered.append("Content-Security-Policy", POLICY)
                answered.append("X-Frame-Options", "DENY")
                for name, value in headers.items():
                    answered.append(name, value)
            await send(message)

        if refused is None:
            await self._app(scope, receive, answer)
        elif scope["type"] == "websocket":
            await WebSocketClose(1008, refused.reason)(scope, receive, send)
        else:
            await PlainTextResponse(f"{refused.reason}\n", refused.status)(scope, receive, answer)
