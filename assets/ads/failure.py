"""Why the sync of a connection failed: a code, one line without secrets, and what to do next.

What belongs here: what each kind of error means for the person who keeps the connection. What does not: whether other
streams go on (sync.py).
"""

from dataclasses import dataclass

from assets.ads.config import ConnectionSettingsError
from resources.ad_platforms import MalformedPageError, OtherAccountError, Platform, PlatformError
from resources.http import HttpError
from resources.keyring import SealError
from resources.redaction import redact

LATER = "wait for the next sync, which asks again"
BY_CODE = {
    "no_window": "correct the window in `sync_config` (docs/ad-platforms.md)",
    "app_not_configured": "set our registered application of the platform (docs/ad-platforms.md)",
}


@dataclass(frozen=True)
class SyncFailure:
    """code: for tables. why: one line without its full stop. next_step: what a person does."""

    code: str
    why: str
    next_step: str

    def __str__(self) -> str:
        return f"{self.why}. Next: {self.next_step}"


def describe(error: Exception, platform: Platform) -> SyncFailure:
    """What a failure of a connection of a platform is."""
    if isinstance(error, ConnectionSettingsError):
        return SyncFailure("settings", str(error), error.next_step)
    if isinstance(error, SealError):
        return SyncFailure(
            "sealed",
            f"the connection's credentials cannot be opened: {error}",
            "connect the account again in the application, or name the key set that sealed them (CLEARLIFT_KEYRING)",
        )
    if isinstance(error, HttpError):
        # It was redacted where it was raised; a second time, its path would be taken for a token.
        code = error.code or (f"http_{error.status}" if error.status else "no_answer")
        return SyncFailure(code, str(error), _next(error, platform))
    if isinstance(error, PlatformError):
        return SyncFailure(error.code, redact(str(error)), _next(error, platform))
    if isinstance(error, MalformedPageError):
        step = f"{LATER}; if it stays, {platform.title} has changed its answers, and its client must be changed too"
        return SyncFailure("malformed_page", redact(str(error)), step)
    # Nobody expected it, so its type says more than its text.
    return SyncFailure(type(error).__name__, redact(f"{type(error).__name__}: {error}"), f"read the log, and {LATER}")


def _next(error: HttpError | PlatformError, platform: Platform) -> str:
    if error.code in BY_CODE:
        return BY_CODE[error.code]
    if isinstance(error, OtherAccountError):
        return "correct the connection's account, or the address that requests are sent to (CLEARLIFT_AD_ORIGIN)"
    if platform.concerns_account(error):
        return f"connect the account again in the application, as a user of {platform.title} who may read its reports"
    if isinstance(error, HttpError) and error.status is not None and error.status < 500 and error.status != 429:
        return f"look up the code in {platform.title}'s documentation; if it is a lack of permission, connect again"
    return LATER
