"""The sockets of the sandbox: HTTP on loopback, and connections that are broken on purpose.

What does not belong here: what is answered (`platforms`, `control`).
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
    """An HTTP server that passes each request to `answer`. Without a response it breaks the connection."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, answer: Answer) -> None:
        # Set first, because the base class calls server_close() if the port is taken.
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
        """End the kept-alive connections too, because a stopped sandbox must answer nothing."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report errors of the sandbox, but not a client that disconnects during an answer."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Headers and body are two writes. With Nagle's algorithm the second one waits 40 ms for an acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing here: the sandbox has its own log, without query strings, because they hold tokens."""

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

    do_GET = do_POST = do_DELETE = _serve  # noqa: N815  # names that http.server calls

    def _break(self, *, reset: bool) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            if reset:  # a linger time of zero makes close() send RST
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                # The handler's files keep the socket open. Detached from them, it closes at once.
                socket.socket(fileno=self.connection.detach()).close()
            else:
                self.connection.shutdown(socket.SHUT_RDWR)
