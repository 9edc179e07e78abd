"""Each failure of a connection is one line that says what to do next."""

import pytest

from assets.ads.config import ConnectionSettingsError
from assets.ads.failure import describe
from resources.ad_platforms import PLATFORMS, MalformedPageError, OtherAccountError, PlatformError
from resources.http import HttpError
from resources.keyring import SealError


@pytest.mark.parametrize(
    ("error", "code", "step"),
    [
        (ConnectionSettingsError("sync_config.click_window: int is expected"), "settings", "correct the settings"),
        (SealError("platform_connections.x: not a sealed value"), "sealed", "connect the account again"),
        (HttpError("GET /advertiser/info/", 200, "40001", "No permission"), "40001", "connect"),
        (HttpError("GET /x", None, None, "reset"), "no_answer", "wait for the next sync"),
        (HttpError("GET /x", 503, None, "down"), "http_503", "wait for the next sync"),
        (PlatformError("no_token", "the token endpoint gave no access token"), "no_token", "connect the account again"),
        (PlatformError("no_window", "no window of 7 days"), "no_window", "correct the window"),
        (PlatformError("job_stalled", "no progress"), "job_stalled", "wait for the next sync"),
        (OtherAccountError("1", "2"), "other_account", "correct the connection's account"),
        (MalformedPageError("spend: no number"), "malformed_page", "wait for the next sync"),
    ],
)
def test_what_is_expected_names_no_class_and_the_next_step(error: Exception, code: str, step: str) -> None:
    failure = describe(error, PLATFORMS["tiktok"])
    assert failure.code == code
    assert failure.next_step.startswith(step) or step in failure.next_step
    assert str(failure) == f"{failure.why}. Next: {failure.next_step}"
    assert type(error).__name__ not in str(failure)
