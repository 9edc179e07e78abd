"""The words of Meta's Graph API v26 that we know: statuses, enums, actions, codes. A new word is counted, never lost.

What belongs here: data that a test compares with Meta's own definitions.
"""

from resources.ad_platforms.answers import Codes
from resources.ad_platforms.fields import listed
from resources.ad_platforms.records import Status

# Lists and reports leave these out unless they are asked for by name.
GONE = ("ARCHIVED", "DELETED")
STATUSES = {
    "ACTIVE": Status.ACTIVE,
    "IN_PROCESS": Status.ACTIVE,
    "WITH_ISSUES": Status.ACTIVE,
    "PREAPPROVED": Status.ACTIVE,
    "PENDING_REVIEW": Status.PAUSED,
    "PENDING_BILLING_INFO": Status.PAUSED,
    "PAUSED": Status.PAUSED,
    "CAMPAIGN_PAUSED": Status.PAUSED,
    "ADSET_PAUSED": Status.PAUSED,
    "DISAPPROVED": Status.PAUSED,
    "ARCHIVED": Status.ENDED,
    "DELETED": Status.ENDED,
}
ACCOUNT_STATUSES = {
    "1": Status.ACTIVE, "2": Status.PAUSED, "3": Status.PAUSED, "7": Status.PAUSED, "8": Status.PAUSED,
    "9": Status.ACTIVE, "100": Status.ENDED, "101": Status.ENDED,
}  # fmt: skip
OBJECTIVES = listed(
    "APP_INSTALLS BRAND_AWARENESS CONVERSIONS EVENT_RESPONSES LEAD_GENERATION LINK_CLICKS LOCAL_AWARENESS MESSAGES"
    " OFFER_CLAIMS OUTCOME_APP_PROMOTION OUTCOME_AWARENESS OUTCOME_ENGAGEMENT OUTCOME_LEADS OUTCOME_SALES"
    " OUTCOME_TRAFFIC PAGE_LIKES POST_ENGAGEMENT PRODUCT_CATALOG_SALES REACH STORE_VISITS VIDEO_VIEWS"
)
# Days of each window. Meta gives no 7d_view and no 28d_view since 2026-01-12.
WINDOWS = {
    "click_window": {7: "7d_click", 1: "1d_click", 28: "28d_click"},
    "view_window": {1: "1d_view", 0: ""},
    "engaged_view_window": {0: "", 1: "1d_ev"},
}
_THROTTLED = listed("4 17 32 341 613 80000 80001 80002 80003 80004 80005 80006 80008 80014")
CODES = Codes(throttled=_THROTTLED, passing=listed("1 2"), expired=frozenset())
# 190: the token. 100/33: the account is not there, or not for this token. The others: permissions, a disabled account.
ACCOUNT_CODES = listed("3 10 102 190 200 272 273 274 275 294 2500 100/33")
# Subcodes: too much data, too many rows, a job that cannot be made.
TOO_LARGE = listed("1504018 1487534 1504038")

# Events that Meta has names for. Each may come as itself, over all sources (`omni_`), or from one of them.
_EVENTS = listed(
    "purchase lead complete_registration add_to_cart add_to_wishlist add_payment_info initiated_checkout"
    " initiate_checkout view_content search contact customize_product donate find_location schedule start_trial"
    " submit_application subscribe app_install achievement_unlocked activate_app level_achieved rate spend_credits"
    " tutorial_completion custom"
)
_ENGAGEMENT = listed(
    "link_click landing_page_view page_engagement post_engagement post_reaction post comment like photo_view video_view"
    " post_interaction_gross post_interaction_net omni_landing_page_view web_in_store_purchase mobile_app_install"
    " leadgen_grouped"
)
_SOURCES = ("offsite_conversion.", "onsite_conversion.", "app_custom_event.", "offline_conversion.", "onsite_web_")


def alternatives(action: str) -> tuple[str, ...]:
    """The names under which Meta reports one event, the widest first; a name of one source is itself alone."""
    if "." in action or action.startswith("omni_"):
        return (action,)
    return (f"omni_{action}", action, f"offsite_conversion.fb_pixel_{action}")


def is_known_action(action: str) -> bool:
    """Whether an action is one that we have heard of."""
    return action.startswith(_SOURCES) or action in _ENGAGEMENT or action.removeprefix("omni_") in _EVENTS
