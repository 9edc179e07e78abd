"""How Meta words an error, reads a parameter, and says in headers how much of the quota is used.

What does not belong here: what one request asks.
"""

import json
import math
from collections.abc import Mapping
from typing import Any

from sandbox.exchange import JSON, RefusedError, Response

BUSINESS_ID = "6400000000000001"


def body(
    code: int, message: str, subcode: int | None = None, *, transient: bool = False, said: tuple[str, str] | None = None
) -> JSON:
    """An error; `said` are the title and the text for people."""
    error: JSON = {"message": message, "type": "OAuthException", "code": code}
    if said is not None:
        error |= {"error_user_title": said[0], "error_user_msg": said[1]}
    if subcode is not None:
        error["error_subcode"] = subcode
    return {"error": {**error, "is_transient": transient, "fbtrace_id": "AsandboxTrace0000000000"}}


def refused(
    code: int, message: str, subcode: int | None = None, *, transient: bool = False, said: tuple[str, str] | None = None
) -> RefusedError:
    return RefusedError(Response.of(body(code, message, subcode, transient=transient, said=said), 400))


def no_object(name: str) -> RefusedError:
    text = f"Unsupported get request. Object with ID '{name}' does not exist or cannot be loaded."
    return refused(100, text, 33)


def array(params: Mapping[str, str], name: str) -> tuple[str, ...]:
    """A parameter that is a JSON array of texts, empty by default. Refuses anything else."""
    return tuple(str(value) for value in values(params, name))


def values(params: Mapping[str, str], name: str) -> list[Any]:
    """A parameter that is a JSON array, empty by default. Refuses anything else."""
    try:
        found = json.loads(params.get(name, "[]"))
    except ValueError:
        found = None
    if not isinstance(found, list):
        raise refused(100, f"(#100) param {name} must be an array.")
    return found


def usage(*, insights: bool, percent: int, wait_seconds: int | None = None) -> dict[str, str]:
    """The throttle headers. The time until access is back is in minutes, and 0 without a wait."""
    business = {
        "type": "ads_insights" if insights else "ads_management",
        "call_count": percent,
        "total_cputime": percent // 4,
        "total_time": percent // 4,
        "estimated_time_to_regain_access": math.ceil((wait_seconds or 0) / 60),
        "ads_api_access_tier": "standard_access",
    }
    headers = {
        "x-app-usage": json.dumps({"call_count": percent, "total_cputime": 1, "total_time": 1}),
        "x-ad-account-usage": json.dumps({"acc_id_util_pct": float(percent)}),
        "x-business-use-case-usage": json.dumps({BUSINESS_ID: [business]}),
    }
    if insights:
        throttle = {"app_id_util_pct": percent, "acc_id_util_pct": percent, "ads_api_access_tier": "standard_access"}
        headers["x-fb-ads-insights-throttle"] = json.dumps(throttle)
    return headers
