"""TikTok's envelope: HTTP 200 for every answer, a code that says whether it is an error, and the rows under `data`.

What does not belong here: which request gets which code.
"""

from collections.abc import Mapping

from sandbox.exchange import JSON, RefusedError, Response

REQUEST_ID = "20261121000000SANDBOX"

RATE_LIMITED = 40100
BAD_PARAMETER = 40002
NO_PERMISSION = 40001
NO_PATH = 40006
NO_TOKEN = 40104
TOKEN_EXPIRED = 40102
TOKEN_INVALID = 40105
INACTIVE = 40110
SYSTEM_ERROR = 50000


def good(data: object) -> Response:
    return Response.of({"code": 0, "message": "OK", "request_id": REQUEST_ID, "data": data})


def bad(code: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    body: JSON = {"code": code, "message": message, "request_id": REQUEST_ID, "data": {}}
    return Response.of(body, headers=headers)


def refused(code: int, message: str) -> RefusedError:
    return RefusedError(bad(code, message))


def bad_parameter(message: str) -> RefusedError:
    return refused(BAD_PARAMETER, message)
