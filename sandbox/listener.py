"""The socket side of the sandbox: HTTP on loopback, and connections that are broken on purpose.

What does not belong here: what is answered (`server`).
"""

import contextlib
import socket
import struct
import sys
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from sandbox.exchange import Request, Response
from sandbox.faults import Fault, FaultKind

Answer = Callable[[Request], tuple[Response | None, Fault | None]]


class Listener(ThreadingHTTPServer):
    """Gives each request to `answer`; where that has no response, the connection is broken."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, answer: Answer) -> None:
        # First: where the port is taken, the constructor closes the server that it did not open.
        self._open: set[socket.socket] = set()
        self.answer = answer
        super().__init__(("127.0.0.1", port), _Handler)

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Kept-alive connections end too: a sandbox that was stopped answers nobody."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up in the middle of an answer is no news; anything else is a mistake of ours."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body leave in two writes; with Nagle's algorithm the second waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """The sandbox keeps its own log, without query strings, which hold tokens."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        host, _, path = parts.path.removeprefix("/").partition("/")
        request = Request(
            self.command,
            host,
            f"/{path}",
            dict(parse_qsl(parts.query, keep_blank_values=True)),
            {name.lower(): value for name, value in self.headers.items()},
            body,
        )
        response, fault = cast(Listener, self.server).answer(request)
        if response is None:
            self._break(reset=fault is not None and fault.kind is FaultKind.RESET)
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        if fault is not None and fault.kind is FaultKind.CUT_BODY:
            self.wfile.write(response.body[: len(response.body) // 2])
            self._break(reset=False)
        else:
            self.wfile.write(response.body)

    def _break(self, *, reset: bool) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            if reset:  # a linger time of zero makes close() send RST
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # The handler's files hold the socket open; detached from them, it closes at once.
                socket.socket(fileno=self.connection.detach()).close()
            else:
                self.connection.shutdown(socket.SHUT_RDWR)
