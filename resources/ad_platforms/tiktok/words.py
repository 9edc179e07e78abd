"""The words of TikTok's Marketing API v1.3 that we know: fields, metrics, statuses, codes. A new one is counted.

What belongs here: data that a test compares with TikTok's own definitions.
"""

from resources.ad_platforms.answers import Codes
from resources.ad_platforms.fields import listed
from resources.ad_platforms.records import Status, Stream

ACCOUNT_FIELDS = ("advertiser_id", "name", "currency", "timezone", "display_timezone", "status")
# Of each list, the kind in its path and the fields.
LISTS = {
    Stream.CAMPAIGNS: (
        "campaign",
        (
            "advertiser_id", "campaign_id", "campaign_name", "operation_status", "secondary_status", "objective_type",
            "budget", "budget_mode", "create_time", "modify_time",
        ),
    ),
    Stream.AD_GROUPS: (
        "adgroup",
        (
            "advertiser_id", "adgroup_id", "campaign_id", "adgroup_name", "operation_status", "secondary_status",
            "budget", "budget_mode", "bid_price", "create_time", "modify_time",
        ),
    ),
    Stream.ADS: (
        "ad",
        (
            "advertiser_id", "ad_id", "adgroup_id", "campaign_id", "ad_name", "operation_status", "secondary_status",
            "ad_format", "ad_text", "landing_page_url", "display_name", "video_id", "create_time", "modify_time",
        ),
    ),
}  # fmt: skip
# Conversions by action: the metric of the count, and that of the value, '' where there is none. `conversion` is the
# ad group's own goal, which may be any, so that it overlaps with the others.
ACTIONS = {
    "conversion": "",
    "complete_payment": "total_complete_payment_rate",
    "on_web_order": "total_on_web_order_value",
    "initiate_checkout": "total_initiate_checkout_value",
    "web_event_add_to_cart": "total_web_event_add_to_cart_value",
    "add_billing": "total_add_billing_value",
    "user_registration": "total_user_registration_value",
    "form": "total_form_value",
    "on_web_subscribe": "total_on_web_subscribe_value",
    "download_start": "total_download_start_value",
    "online_consult": "total_online_consult_value",
    "page_event_search": "total_page_event_search_value",
    "on_web_add_to_wishlist": "total_on_web_add_to_wishlist_value",
    "product_details_page_browse": "total_product_details_page_browse_value",
    "button_click": "total_button_click_value",
}
METRICS = ("spend", "impressions", "clicks", *ACTIONS, *(value for value in ACTIONS.values() if value))

BUDGETS = {
    "BUDGET_MODE_DAY": "daily",
    "BUDGET_MODE_DYNAMIC_DAILY_BUDGET": "daily",
    "BUDGET_MODE_TOTAL": "lifetime",
}
BUDGET_MODES = frozenset({*BUDGETS, "BUDGET_MODE_INFINITE"})
OBJECTIVES = listed(
    "REACH TRAFFIC VIDEO_VIEWS LEAD_GENERATION ENGAGEMENT APP_PROMOTION WEB_CONVERSIONS PRODUCT_SALES RF_REACH"
    " APP_INSTALL CONVERSIONS CATALOG_SALES SHOP_PURCHASES TOPVIEW"
)
AD_FORMATS = listed(
    "SINGLE_VIDEO SINGLE_IMAGE CAROUSEL CAROUSEL_ADS VIDEO_CAROUSEL IMAGE_CAROUSEL CATALOG_CAROUSEL LIVE_CONTENT"
    " SPARK_ADS"
)
ACCOUNT_STATUSES = {
    "STATUS_ENABLE": Status.ACTIVE,
    "STATUS_LIMIT": Status.PAUSED,
    "STATUS_PENDING_CONFIRM": Status.PAUSED,
    "STATUS_DISABLE": Status.ENDED,
}
_ACTIVE = listed(
    "CAMPAIGN_STATUS_ENABLE CAMPAIGN_STATUS_NOT_DELETE ADGROUP_STATUS_DELIVERY_OK ADGROUP_STATUS_NOT_START"
    " ADGROUP_STATUS_PARTIAL_AUDIT_DELIVERY_OK ADGROUP_STATUS_REVIEW_PARTIALLY_APPROVED"
    " ADGROUP_STATUS_SEARCH_KEYWORDS_PARTIAL_APPROVED ADGROUP_STATUS_SHADOW_ADGROUP_REAUDIT AD_STATUS_DELIVERY_OK"
    " AD_STATUS_PARTIAL_AUDIT_DELIVERY_OK AD_STATUS_REVIEW_PARTIALLY_APPROVED AD_STATUS_NOT_START"
)
_PAUSED = listed(
    "ADVERTISER_CONTRACT_PENDING ADVERTISER_ACCOUNT_PUNISH ADVERTISER_ACCOUNT_INVALID"
    " CAMPAIGN_STATUS_DISABLE CAMPAIGN_STATUS_AWAITING_RELEASE CAMPAIGN_STATUS_BUDGET_EXCEED"
    " CAMPAIGN_STATUS_ADVERTISER_AUDIT CAMPAIGN_STATUS_ADVERTISER_AUDIT_DENY"
    " CAMPAIGN_STATUS_ADVERTISER_ACCOUNT_PUNISH CAMPAIGN_STATUS_ADVERTISER_CONTRACT_PENDING"
    " CAMPAIGN_STATUS_IDENTITY_USED_BY_GMV_MAX_AD CAMPAIGN_STATUS_TTS_TT_ASSET_UNAVAILABLE"
    " CAMPAIGN_STATUS_TTS_TT_IDENTITY_UNAVAILABLE CAMPAIGN_STATUS_TIKTOK_SHOP_UNAVAILABLE"
    " CAMPAIGN_STATUS_REVIEW_DISAPPROVED CAMPAIGN_STATUS_AD_UNAVAILABLE CAMPAIGN_STATUS_PRODUCT_UNAVAILABLE"
    " CAMPAIGN_STATUS_TTS_ACCOUNT_BALANCE_INSUFFICIENT CAMPAIGN_STATUS_LIVE_GMV_MAX_AUTHORIZATION_CANCEL"
    " CAMPAIGN_STATUS_PRODUCT_GMV_MAX_AUTHORIZATION_CANCEL CAMPAIGN_STATUS_IDENTITY_USED_BY_LIVE_GMV_MAX"
    " CAMPAIGN_STATUS_PRODUCT_USED_BY_PRODUCT_GMV_MAX"
    " ADGROUP_STATUS_CAMPAIGN_DISABLE ADGROUP_STATUS_DISABLE ADGROUP_STATUS_BUDGET_EXCEED"
    " ADGROUP_STATUS_CAMPAIGN_EXCEED ADGROUP_STATUS_BALANCE_EXCEED ADGROUP_STATUS_AUDIT ADGROUP_STATUS_REAUDIT"
    " ADGROUP_STATUS_AUDIT_DENY ADGROUP_STATUS_CREATE ADGROUP_STATUS_FROZEN ADGROUP_STATUS_ADVERTISER_AUDIT"
    " ADGROUP_STATUS_ADVERTISER_AUDIT_DENY ADGROUP_STATUS_TRANSCODING_FAIL ADGROUP_STATUS_PARTIAL_AUDIT_NO_DELIVERY"
    " ADGROUP_STATUS_LIVE_NOT_START ADGROUP_STATUS_INDUSTRY_QUALIFICATION_MISSING"
    " ADGROUP_STATUS_INDUSTRY_QUALIFICATION_EXPIRED ADGROUP_STATUS_INDUSTRY_QUALIFICATION_DENY"
    " ADGROUP_STATUS_ADGROUP_PRE_ONLINE ADGROUP_STATUS_ASSET_AUTHORIZATION_LOST ADGROUP_STATUS_PIXEL_UNBIND"
    " ADGROUP_STATUS_ADGROUP_QUOTA_LIMIT ADGROUP_STATUS_IDENTITY_USED_BY_GMV_MAX_AD"
    " ADGROUP_STATUS_SEARCH_KEYWORDS_IN_REVIEW ADGROUP_STATUS_SEARCH_KEYWORDS_NOT_AVAILABLE"
    " ADGROUP_STATUS_RF_NO_DELIVERY_CREATIVE ADGROUP_STATUS_RF_SHORT_BALANCE ADGROUP_STATUS_RF_BOOKING"
    " ADGROUP_STATUS_RF_SCHEDULE"
    " AD_STATUS_CAMPAIGN_DISABLE AD_STATUS_ADGROUP_DISABLE AD_STATUS_DISABLE AD_STATUS_ADVERTISER_AUDIT"
    " AD_STATUS_ADVERTISER_AUDIT_DENY AD_STATUS_LIVE_OFFLINE AD_STATUS_BALANCE_EXCEED"
    " AD_STATUS_ADGROUP_PARTIAL_AUDIT_NO_DELIVERY AD_STATUS_PARTIAL_AUDIT_NO_DELIVERY AD_STATUS_ADGROUP_AUDIT_DENY"
    " AD_STATUS_ADGROUP_INDUSTRY_QUALIFICATION_MISSING AD_STATUS_ADGROUP_INDUSTRY_QUALIFICATION_EXPIRED"
    " AD_STATUS_ADGROUP_INDUSTRY_QUALIFICATION_DENY AD_STATUS_MUSIC_AUTHORIZATION_MISSING AD_STATUS_TRANSCODING_FAIL"
    " AD_STATUS_AUDIT AD_STATUS_REAUDIT AD_STATUS_AUDIT_DENY AD_STATUS_PROCESS_AUDIO AD_STATUS_CAMPAIGN_EXCEED"
    " AD_STATUS_BUDGET_EXCEED AD_STATUS_AD_PRE_ONLINE AD_STATUS_ADGROUP_ASSET_AUTHORIZATION_LOST"
    " AD_STATUS_ASSET_AUTHORIZATION_LOST AD_STAUS_PIXEL_UNBIND AD_STATUS_AD_QUOTA_LIMIT AD_STATUS_PRODUCT_UNAVAILABLE"
    " AD_STATUS_ANCHOR_UNAVAILABLE AD_STATUS_NO_AUTHORIZATION_OF_SHOWCASE"
)
DELETED = listed(
    "CAMPAIGN_STATUS_DELETE ADGROUP_STATUS_CAMPAIGN_DELETE ADGROUP_STATUS_DELETE AD_STATUS_CAMPAIGN_DELETE"
    " AD_STATUS_ADGROUP_DELETE AD_STATUS_DELETE"
)
_ENDED = DELETED | listed(
    "ADGROUP_STATUS_TIME_DONE ADGROUP_STATUS_DONE ADGROUP_STATUS_PROMOTE_AD_NOT_APPROVED"
    " ADGROUP_STATUS_PROMOTE_WITHDRAW_ORDER ADGROUP_STATUS_RF_DEDUCTION_FAILED ADGROUP_STATUS_RF_NO_VALID_CREATIVE"
    " ADGROUP_STATUS_RF_CLOSED_OTHERS ADGROUP_STATUS_RF_AD_AUDIT_DENY ADGROUP_STATUS_RF_ADGROUP_INVALID"
    " ADGROUP_STATUS_RF_WITHDRAW_ORDER ADGROUP_STATUS_RF_TERMINATE ADGROUP_STATUS_RF_TIME_DONE AD_STATUS_DONE"
    " AD_STATUS_PROMOTE_AD_OFFLINE_AUDIT AD_STATUS_PROMOTE_ADGROUP_CLOSED AD_STATUS_RF_ADGROUP_CLOSED"
)
STATUSES = {
    **dict.fromkeys(_ACTIVE, Status.ACTIVE),
    **dict.fromkeys(_PAUSED, Status.PAUSED),
    **dict.fromkeys(_ENDED, Status.ENDED),
}
CODES = Codes(
    throttled=listed("40100 40132 40200 40201 40202"),
    # 20001 is a partial answer, whose missing rows would be taken for zero.
    passing=listed("40700 50000 50002 20001"),
    expired=listed("40102"),
)
# No permission for the advertiser; the application; tokens that are expired, missing or revoked; a closed account.
ACCOUNT_CODES = listed("40001 40101 40102 40103 40104 40105 40110")
