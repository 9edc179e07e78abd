"""A transaction pooler on loopback, as Supabase has one at port 6543: each transaction may meet another session.

Server sessions are handed out in turn and never reset, so what a client leaves in its session (a setting, a
prepared statement, a session lock) is missing in its next transaction, and found by others.
"""

import itertools
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import conninfo_to_dict

SSL_REQUEST, GSS_REQUEST = 80877103, 80877104
SESSIONS = 3


@contextmanager
def pooler(dsn: str) -> Iterator[str]:
    """A pooler before the database of `dsn` (a Unix socket, trusted); gives the DSN that goes through it."""
    parts = conninfo_to_dict(dsn)
    with _Pooler(str(parts["host"]), str(parts["dbname"])) as running:
        yield f"postgresql://postgres@127.0.0.1:{running.port}/{parts['dbname']}?sslmode=disable"


class _Pooler:
    def __init__(self, host: str, database: str) -> None:
        self._greeting = b""
        self._sessions = [self._session(host, database) for _ in range(SESSIONS)]
        self._locks = [threading.Lock() for _ in self._sessions]
        self._turn = itertools.count()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._clients: list[socket.socket] = []
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> "_Pooler":
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # shutdown() wakes a thread that waits on the socket; close() alone would not.
        for each in [self._listener, *self._clients]:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue
        for thread in self._threads:
            thread.join()
        for each in [self._listener, *self._clients, *self._sessions]:
            each.close()

    def _start(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._clients.append(client)
            self._start(self._serve, client)

    def _serve(self, client: socket.socket) -> None:
        try:
            while True:
                length, code = struct.unpack("!ii", _exactly(client, 8))
                _exactly(client, length - 8)
                if code not in (SSL_REQUEST, GSS_REQUEST):
                    break
                client.sendall(b"N")
            client.sendall(self._greeting)
            while (message := _message(client))[:1] != b"X":
                position = next(self._turn) % SESSIONS
                while not self._locks[position].acquire(timeout=0.01):
                    position = next(self._turn) % SESSIONS
                try:
                    self._transaction(client, self._sessions[position], message)
                finally:
                    self._locks[position].release()
        except ConnectionError:
            return

    @staticmethod
    def _transaction(client: socket.socket, server: socket.socket, message: bytes) -> None:
        server.sendall(message)
        while True:
            readable, _, _ = select.select([client, server], [], [])
            if server in readable:
                answer = _message(server)
                client.sendall(answer)
                if answer[:1] == b"Z" and answer[5:] == b"I":
                    return
            elif client in readable:
                server.sendall(_message(client))

    def _session(self, host: str, database: str) -> socket.socket:
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{host}/.s.PGSQL.5432")
        body = struct.pack("!i", 196608) + f"user\0postgres\0database\0{database}\0\0".encode()
        server.sendall(struct.pack("!i", len(body) + 4) + body)
        greeting = [_message(server)]
        while greeting[-1][:1] != b"Z":
            greeting.append(_message(server))
        self._greeting = b"".join(greeting)
        return server


def _message(source: socket.socket) -> bytes:
    head = _exactly(source, 5)
    return head + _exactly(source, struct.unpack("!i", head[1:])[0] - 4)


def _exactly(source: socket.socket, count: int) -> bytes:
    received = b""
    while len(received) < count:
        try:
            part = source.recv(count - len(received))
        except OSError as error:
            raise ConnectionError from error
        if not part:
            raise ConnectionError
        received += part
    return received
