"""An HTTP server on loopback that answers with a function of its user, and that fails requests on order."""

import json
import socket
import struct
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, unquote, urlsplit

Kind = Literal["status", "time-out", "reset", "cut", "not-json", "body"]
# How long a client waits for an answer. On a busy machine a good answer took more than half a second.
PATIENT_SECONDS, SILENT_SECONDS = 30.0, 2.0


@dataclass
class Request:
    """A request as it arrived. path: still quoted. query: the last value of each name."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def parts(self) -> list[str]:
        return [unquote(part) for part in self.path.strip("/").split("/")]


@dataclass
class Reply:
    """An answer. body: a dict or list, which is sent as JSON, or bytes."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


@dataclass
class Fault:
    """One ordered failure of the next request whose path contains `path`, and whose method is `method` if that is set.

    done: the request takes effect before its answer fails, so that the client cannot know it.
    """

    kind: Kind
    path: str = ""
    done: bool = False
    status: int = 500
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = ""

    def applies_to(self, request: Request) -> bool:
        """Whether the failure is ordered for this request."""
        return self.path in request.path and self.method in ("", request.method)


def read_seconds(faults: Iterable[Fault]) -> float:
    """How long a client must wait for an answer: a short time if one of the failures is that no answer comes."""
    return SILENT_SECONDS if any(fault.kind == "time-out" for fault in faults) else PATIENT_SECONDS


def faults_of(parameters: Mapping[str, Any]) -> list[Fault]:
    """The failures among the parameters of a test: a parameter, an item of a list, or the attribute `fault`."""
    lists = (value if isinstance(value, list) else [getattr(value, "fault", value)] for value in parameters.values())
    return [item for items in lists for item in items if isinstance(item, Fault)]


Serve = Callable[[Request], Reply]


class Loopback:
    """Serves `serve` on 127.0.0.1. requests: every request, in order of arrival."""

    def __init__(self, serve: Serve) -> None:
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        self.serve = serve
        self._lock = threading.Lock()
        self._ending = threading.Event()
        handler = type("LoopbackHandler", (Handler,), {"loopback": self})
        self._server = Server(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def fail(self, *faults: Fault) -> None:
        """Order failures of one request each."""
        with self._lock:
            self.faults.extend(faults)

    def next_fault(self, request: Request) -> Fault | None:
        """Record the request; returns the failure that was ordered for it, and removes it from the order."""
        with self._lock:
            self.requests.append(request)
            applied = next((fault for fault in self.faults if fault.applies_to(request)), None)
            if applied is not None:
                self.faults.remove(applied)
            return applied

    def hang(self) -> None:
        """Answer nothing until the client has surely ended."""
        self._ending.wait(30)


class Server(ThreadingHTTPServer):
    """Prints no error when a client has closed the connection."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    """Answers for its `loopback`. Each server has its own subclass."""

    loopback: Loopback
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it
        """Print nothing on standard error."""

    def answer(self) -> None:
        """Answer one request of any method."""
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        request = Request(self.command, url.path, query, dict(self.headers.items()), body)
        fault = self.loopback.next_fault(request)
        if fault is None:
            self._send(self.loopback.serve(request))
            return
        reply = self.loopback.serve(request) if fault.done or fault.kind == "cut" else Reply(b"")
        self._fail(fault, reply)

    do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815 - the base class names them

    def _fail(self, fault: Fault, reply: Reply) -> None:
        if fault.kind == "status":
            self._send(Reply(fault.body, fault.status, fault.headers))
        elif fault.kind == "body":
            self._send(Reply(fault.body, 200, fault.headers))
        elif fault.kind == "not-json":
            self._send(Reply(b"<html>a proxy's page</html>"))
        elif fault.kind == "cut":
            self._send(reply, cut=True)
        else:
            if fault.kind == "time-out":
                self.loopback.hang()
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # RST, not FIN
            self.close_connection = True
            self.connection.close()

    def _send(self, reply: Reply, *, cut: bool = False) -> None:
        content = reply.content
        self.send_response_only(reply.status)  # without a Date, which a reply may set itself
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)
        self.close_connection = self.close_connection or cut
