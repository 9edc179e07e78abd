"""Servers on loopback that repeat what they were sent: the worst that a service can do with a secret."""

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import quote

from tests.standin.loopback import Reply, Request

Echo = Callable[[Request], Reply]


def _sent(request: Request) -> str:
    headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
    return f"{headers}\n\n{request.body.decode(errors='replace')}"


def _error(text: str) -> Reply:
    """In the envelopes of Cloudflare, Iceberg's REST protocol and OAuth at once."""
    error = {"code": 400, "message": text, "type": text}
    return Reply({"success": False, "errors": [error], "error": error, "error_description": text}, 400)


def _cut(request: Request) -> Reply:
    """Only what stands around the middle of the secret, as where an answer is truncated."""
    text = _sent(request)
    middle = text.find("hush") + 12
    return _error(text[middle : middle + 4_096])


ECHOES: dict[str, Echo] = {
    "an error": lambda request: _error(_sent(request)),
    "cut": _cut,
    "URL": lambda request: _error(quote(_sent(request))),
    "JSON": lambda request: _error(json.dumps(_sent(request))),
    "base64": lambda request: _error(base64.b64encode(_sent(request).encode()).decode()),
    "plain text": lambda request: Reply(_sent(request).encode(), 400),
    "no error, but not the answer": lambda request: Reply({"success": True, "result": _sent(request)}),
    "an answer of an unknown kind": lambda request: Reply({"headers": dict(request.headers)}),
}


@contextmanager
def echoing_postgres() -> Iterator[int]:
    """The port of a Postgres server that asks for a password and refuses it, repeating it."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    _refuse(client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _refuse(client: socket.socket) -> None:
    encrypted = client.recv(4_096)
    while int.from_bytes(encrypted[4:8]) in (80877103, 80877104):  # SSL, GSS
        client.sendall(b"N")
        encrypted = client.recv(4_096)
    client.sendall(b"R" + (8).to_bytes(4) + (3).to_bytes(4))  # the password as it is
    given = client.recv(4_096)[5:-1]
    text = b"SFATAL\0C28P01\0Mno entry with " + given + b"\0\0"
    client.sendall(b"E" + (len(text) + 4).to_bytes(4) + text)
