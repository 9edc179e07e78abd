"""How Microsoft Advertising words a fault.

What does not belong here: which request gets which fault. The published contract defines the codes; the HTTP statuses
are an assumption of this sandbox.
"""

from sandbox.exchange import JSON, RefusedError, Response

TRACKING_ID = "00000000-0000-4000-8000-0000005a4db0"
_STATUS = {105: 401, 106: 403, 109: 401}


def fault(code: int, error_code: str, message: str) -> JSON:
    """A fault of the service: credentials, rights, rate, failure."""
    error = {"Code": code, "ErrorCode": error_code, "Message": message, "Detail": None}
    return {"TrackingId": TRACKING_ID, "Type": "AdApiFaultDetail", "Errors": [error]}


def refused(code: int, error_code: str, message: str) -> RefusedError:
    return RefusedError(Response.of(fault(code, error_code, message), _STATUS[code]))


def bad_request(code: int, error_code: str, message: str) -> RefusedError:
    """A fault of an operation: the request itself is wrong."""
    error = {"Code": code, "ErrorCode": error_code, "Message": message, "Details": None}
    body = {"TrackingId": TRACKING_ID, "Type": "ApiFaultDetail", "OperationErrors": [error], "BatchErrors": []}
    return RefusedError(Response.of(body, 400))
