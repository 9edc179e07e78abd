"""Reading of the HTTP headers about rate limits: Retry-After and the RateLimit family."""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

QUOTA = re.compile(r";\s*r\s*=\s*(\d+).*?;\s*t\s*=\s*(\d+(?:\.\d+)?)")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by Retry-After: a number, or a date, which is compared with the answer's own Date."""
    value = headers.get("Retry-After", "").strip()
    if not value:
        return None
    try:
        return max(0.0, min(float(value), 1e6))
    except ValueError:
        pass
    try:
        until = parsedate_to_datetime(value)
        return max(0.0, (until - parsedate_to_datetime(headers.get("Date", ""))).total_seconds())
    except (TypeError, ValueError):
        return None


def announced_pause(headers: Mapping[str, str]) -> float:
    """Seconds until there is quota again, if the answer says that none is left; else 0.

    Reads `Ratelimit: "default";r=0;t=30` (Cloudflare; RFC drafts since 8) and RateLimit-Remaining / RateLimit-Reset.
    """
    quota = QUOTA.search(headers.get("Ratelimit", ""))
    remaining, reset = quota.groups() if quota else (None, None)
    if quota is None:
        remaining, reset = headers.get("RateLimit-Remaining"), headers.get("RateLimit-Reset")
    try:
        return float(reset or 0) if remaining is not None and float(remaining) <= 0 else 0.0
    except ValueError:
        return 0.0
