"""The way of a request from its receipt to the wait: identified, then confirmed. Each part can be done again.

What belongs here: these steps, as a command and the application take them. What does not: carrying it out (run.py).
"""

from datetime import timedelta

from assets.erasure.exemptions import Exemption, require_possible
from assets.erasure.identify import Asked, Found, NotIdentifiedError, identify
from assets.erasure.request import Origin, Request
from assets.erasure.run import Erasure


def received(
    erasure: Erasure, asked: Asked, origin: Origin, id_: str = "", exemption: Exemption | None = None
) -> tuple[Request, Found]:
    """A request, and whom it means. It is refused, and kept as such without whom it meant, where that is nobody.

    Raises:
        NotExemptError: what it is to leave cannot be left.
        RepeatedError: another request for the same id is open.
        NotIdentifiedError: it means nobody, or several people.
    """
    requests, now = erasure.requests, erasure.rooms.clock()
    if exemption is not None:
        require_possible(erasure.rooms, erasure.app, exemption, asked)
    request = requests.receive(asked, origin, now, id_, exemption)
    try:
        found = identify(erasure.rooms, erasure.app, asked, request.id)
    except NotIdentifiedError as refusal:
        requests.move(request, ("received",), "refused", now, why=refusal.reason)
        raise
    if request.state == "received":
        request = requests.identified(request, found.identity, erasure.plan(), now)
    return request, found


def confirmed(erasure: Erasure, request: Request, wait: timedelta) -> Request:
    """Let a request wait, from now on; one that waits already stays as it is."""
    if request.state not in ("identified", "confirmed"):
        return request
    now = erasure.rooms.clock()
    return erasure.requests.confirmed(request, now + wait, now)
