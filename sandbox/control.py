"""The paths under /_sandbox, by which another process orders faults, moves the clock and reads the world.

POST /_sandbox/faults takes one fault or a list of faults; DELETE removes all faults. POST /_sandbox/clock takes
{"now": ISO 8601} or {"advance_seconds": n}. POST /_sandbox/reinstate takes {"platform", "account_id"} and restores a
revoked consent. GET /_sandbox/world gives the accounts, endpoints and credentials; GET /_sandbox/log gives the
requests so far. What does not belong here: what an order changes (`platforms`).
"""

import json
from dataclasses import asdict
from datetime import datetime, timedelta

from sandbox.exchange import JSON, Request, Response
from sandbox.faults import Fault
from sandbox.platforms import Platforms, endpoints
from sandbox.world.entities import PLATFORMS

HOST = "_sandbox"


def handle(platforms: Platforms, request: Request) -> Response:
    """The answer to a request whose host is `HOST`."""
    try:
        match (request.method, request.path):
            case ("POST", "/faults"):
                content = json.loads(request.body)
                orders = [Fault.of_json(order) for order in (content if isinstance(content, list) else [content])]
                platforms.faults.order(*orders)
                return Response.of({"ordered": len(orders)})
            case ("DELETE", "/faults"):
                platforms.faults.clear()
                return Response.of({"ordered": 0})
            case ("POST", "/clock"):
                body = request.json()
                if "now" in body:
                    platforms.clock.set(datetime.fromisoformat(body["now"]))
                else:
                    platforms.clock.advance(timedelta(seconds=body["advance_seconds"]))
                return Response.of({"now": platforms.clock().isoformat()})
            case ("POST", "/reinstate"):
                body = request.json()
                platforms.tokens.reinstate(body["platform"], body["account_id"])
                return Response.of({"reinstated": body["account_id"]})
            case ("GET", "/world"):
                return Response.of(_world(platforms, request.origin))
            case ("GET", "/log"):
                return Response.of([asdict(entry) for entry in platforms.log])
    except (ValueError, TypeError, KeyError) as error:
        return Response.of({"error": str(error)}, 400)
    return Response.of({"error": f"there is no {request.method} {request.path} here"}, 404)


def _world(platforms: Platforms, origin: str) -> JSON:
    return {
        "seed": platforms.world.seed,
        "now": platforms.clock().isoformat(),
        "endpoints": {platform: endpoints(platform, origin) for platform in PLATFORMS},
        "connections": [connection._asdict() for connection in platforms.connections()],
    }
