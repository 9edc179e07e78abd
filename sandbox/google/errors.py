"""How Google Ads words an error: a status with a GoogleAdsFailure inside.

What does not belong here: which request gets which error.
"""

from http import HTTPStatus

from sandbox.exchange import JSON, RefusedError, Response

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
}
_FAILURE = "type.googleapis.com/google.ads.googleads.v26.errors.GoogleAdsFailure"
REQUEST_ID = "sandbox0000000000000000"


def failure(code: int, family: str, reason: str, message: str, retry_delay: int | None = None) -> JSON:
    """An error, such as family 'queryError' and reason 'UNRECOGNIZED_FIELD'. `retry_delay` is in seconds."""
    error: JSON = {"errorCode": {family: reason}, "message": message}
    if family == "quotaError":
        details: JSON = {"rateScope": "DEVELOPER", "rateName": "Number of operations for basic access"}
        if retry_delay is not None:
            details["retryDelay"] = f"{retry_delay}s"
        error["details"] = {"quotaErrorDetails": details}
    return {
        "error": {
            "code": code,
            "message": message if code >= 500 else f"Request contains an invalid argument: {message}",
            "status": _STATUS[code],
            "details": [{"@type": _FAILURE, "errors": [error], "requestId": REQUEST_ID}],
        }
    }


def refused(code: int, family: str, reason: str, message: str) -> RefusedError:
    return RefusedError(Response.of(failure(code, family, reason, message), code))


def plain(code: int, message: str) -> RefusedError:
    """An error of the gateway before the service. It has no GoogleAdsFailure inside."""
    body = {"error": {"code": code, "message": message, "status": _STATUS.get(code, HTTPStatus(code).name)}}
    return RefusedError(Response.of(body, code))
