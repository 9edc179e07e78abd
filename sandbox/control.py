"""How another process orders faults, moves time and looks at the world: the paths under /_sandbox.

POST /_sandbox/faults takes one fault or a list of them, DELETE takes them all back; POST /_sandbox/clock takes
{"now": ISO 8601} or {"advance_seconds": n}; POST /_sandbox/reinstate takes {"platform", "account_id"} and undoes a
revoked token; GET /_sandbox/world tells accounts, endpoints and credentials, GET /_sandbox/log the requests so far.
What does not belong here: what the orders do.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sandbox.exchange import JSON, Request, Response
from sandbox.faults import Fault
from sandbox.world.entities import PLATFORMS

if TYPE_CHECKING:
    from sandbox.server import Sandbox


class SandboxClock:
    """The injected clock, and how far it has been moved from what it says."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._moved = timedelta()

    def __call__(self) -> datetime:
        return self._clock() + self._moved

    def advance(self, by: timedelta) -> None:
        self._moved += by

    def set(self, now: datetime) -> None:
        """`now` needs a time zone."""
        self._moved += now - self()


class Control:
    def __init__(self, sandbox: "Sandbox") -> None:
        self._sandbox = sandbox

    def handle(self, request: Request) -> Response:
        try:
            match (request.method, request.path):
                case ("POST", "/faults"):
                    return Response.of({"ordered": self._order(request)})
                case ("DELETE", "/faults"):
                    self._sandbox.faults.clear()
                    return Response.of({"ordered": 0})
                case ("POST", "/clock"):
                    return Response.of({"now": self._move(request.json())})
                case ("POST", "/reinstate"):
                    body = request.json()
                    self._sandbox.tokens.reinstate(body["platform"], body["account_id"])
                    return Response.of({"reinstated": body["account_id"]})
                case ("GET", "/world"):
                    return Response.of(self._world())
                case ("GET", "/log"):
                    return Response.of([asdict(entry) for entry in self._sandbox.log])
        except (ValueError, TypeError, KeyError) as error:
            return Response.of({"error": str(error)}, 400)
        return Response.of({"error": f"no {request.method} {request.path} here"}, 404)

    def _order(self, request: Request) -> int:
        content = json.loads(request.body)
        orders = [Fault.of_json(order) for order in (content if isinstance(content, list) else [content])]
        self._sandbox.faults.order(*orders)
        return len(orders)

    def _move(self, body: JSON) -> str:
        if "now" in body:
            self._sandbox.clock.set(datetime.fromisoformat(body["now"]))
        else:
            self._sandbox.clock.advance(timedelta(seconds=body["advance_seconds"]))
        return self._sandbox.clock().isoformat()

    def _world(self) -> JSON:
        sandbox = self._sandbox
        return {
            "seed": sandbox.world.seed,
            "now": sandbox.clock().isoformat(),
            "endpoints": {platform: sandbox.endpoints(platform) for platform in PLATFORMS},
            "connections": [connection._asdict() for connection in sandbox.connections()],
        }
