"""The parameters that every rule of Postgres may use, beside `app` and `before`. Plain data. Pure.

What belongs here: facts of the rules by which sessions and credits are made. What does not: the rules of retention,
which are SQL files named by the policy.
"""

from collections.abc import Mapping

from assets.attribution.rules import DEFAULT
from assets.attribution.touches import VERSION as ATTRIBUTION_VERSION
from assets.sessions.definition import AFTER, BEFORE
from assets.sessions.definition import VERSION as SESSIONS_VERSION
from assets.windows import DAY

PARAMETERS: Mapping[str, object] = {
    "sessions_version": SESSIONS_VERSION,
    "sessions_before": BEFORE // DAY,
    "sessions_after": AFTER // DAY,
    "attribution_version": ATTRIBUTION_VERSION,
    "default_days": DEFAULT.window_days,
}
