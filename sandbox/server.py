"""The sandbox as a server: the four platforms on a port of 127.0.0.1, each under the names of its real hosts.

`https://graph.facebook.com/v26.0` is served at `http://127.0.0.1:PORT/graph.facebook.com/v26.0`. What does not belong
here: what is answered (`platforms`, `control`) and sockets (`listener`).
"""

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Self

from sandbox import control
from sandbox.exchange import Request, Response
from sandbox.faults import Fault
from sandbox.limits import Limits
from sandbox.listener import Listener
from sandbox.platforms import Platforms, endpoints
from sandbox.world.catalogue import Size
from sandbox.world.entities import Platform


class Sandbox(Platforms):
    """The platforms on `port` (0: a free one), from `start()` or a `with` block on, until `stop()`.

    The world leads up to `today`, by default the clock's day in UTC. A later run that gives the same `today` serves the
    same world. The clock decides how much of the world the platforms show. `limits` are the platforms' own by default.
    """

    def __init__(
        self,
        seed: int = 7,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        *,
        today: date | None = None,
        size: Size | None = None,
        port: int = 0,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(seed, clock, today or clock().astimezone(UTC).date(), size, limits or Limits())
        self._wanted_port = port
        self._server: Listener | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        self._stopping.clear()
        self._server = Listener(self._wanted_port, self.answer)
        # With the default poll of half a second, every stop() would take that long.
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop the server. A request that a TIMEOUT keeps waiting ends now."""
        self._stopping.set()
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self if self._server is not None else self.start()

    def __exit__(self, *error: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        if self._server is None:
            raise RuntimeError("the sandbox has not been started")
        return int(self._server.server_address[1])

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def endpoints(self, platform: Platform) -> dict[str, str]:
        """The base addresses of a platform, by what they are for."""
        return endpoints(platform, self.origin)

    def answer(self, request: Request) -> tuple[Response | None, Fault | None]:
        if request.host == control.HOST:
            return control.handle(self, request), None
        return super().answer(request)
