"""The words of Microsoft Advertising v13 that we know: columns, statuses, enums, codes. A new word is counted.

What belongs here: data that a test compares with Microsoft's own definitions.
"""

from typing import NamedTuple

from resources.ad_platforms.answers import Codes
from resources.ad_platforms.fields import listed
from resources.ad_platforms.records import Level, Status, Stream

STATUSES = {
    "Active": Status.ACTIVE,
    "Paused": Status.PAUSED,
    "BudgetPaused": Status.PAUSED,
    "BudgetAndManualPaused": Status.PAUSED,
    "Suspended": Status.PAUSED,
    "Inactive": Status.PAUSED,
    "Deleted": Status.ENDED,
    "Expired": Status.ENDED,
}
ACCOUNT_STATUSES = {
    "Active": Status.ACTIVE,
    "Pause": Status.PAUSED,
    "Pending": Status.PAUSED,
    "Draft": Status.PAUSED,
    "Suspended": Status.PAUSED,
    "Inactive": Status.ENDED,
}
CAMPAIGN_TYPES = listed("Search Shopping DynamicSearchAds Audience Hotel PerformanceMax App ObjectiveBased")
BUDGET_TYPES = {
    "DailyBudgetStandard": "daily",
    "DailyBudgetAccelerated": "daily",
    "LifetimeBudgetStandard": "lifetime",
}
AD_RECORDS = frozenset(
    {"Text Ad", "Product Ad", "App Install Ad", "Expanded Text Ad", "Dynamic Search Ad", "Responsive Ad"}
    | {"Responsive Search Ad", "Hotel Ad"}
)


class Report(NamedTuple):
    """A report by day: its kind, the columns of ids from the account to its own level, and other attributes."""

    kind: str
    ids: tuple[str, ...]
    attributes: tuple[str, ...]
    status: str


_ACCOUNT = ("AccountId",)
_CAMPAIGN = (*_ACCOUNT, "CampaignId")
_GROUP = (*_CAMPAIGN, "AdGroupId")
REPORTS = {
    Level.ACCOUNT: Report("AccountPerformance", _ACCOUNT, (), ""),
    Level.CAMPAIGN: Report("CampaignPerformance", _CAMPAIGN, ("CampaignName", "CampaignStatus"), "CampaignStatus"),
    # Only this report calls the status of an ad group `Status`.
    Level.AD_GROUP: Report("AdGroupPerformance", _GROUP, ("CampaignName", "AdGroupName", "Status"), "Status"),
    Level.AD: Report(
        "AdPerformance", (*_GROUP, "AdId"), ("CampaignName", "AdGroupName", "AdTitle", "AdStatus"), "AdStatus"
    ),
    Level.KEYWORD: Report(
        "KeywordPerformance",
        (*_GROUP, "KeywordId"),
        ("CampaignName", "AdGroupName", "Keyword", "KeywordStatus", "BidMatchType"),
        "KeywordStatus",
    ),
}
METRICS = ("Impressions", "Clicks", "Spend", "ConversionsQualified", "Revenue", "CurrencyCode")
# A goal beside impressions would repeat these for each goal, so that conversions are a report of their own.
GOALS = ("Goal", "ConversionsQualified", "Revenue", "AllConversionsQualified", "AllRevenue")

# What is asked of the Bulk service, and the records of each list. The campaign of a keyword or an ad is known from its
# ad group. Each file has a record of its account.
ENTITIES = ("Campaigns", "AdGroups", "Ads", "Keywords")
RECORDS = {
    Stream.CAMPAIGNS: frozenset({"Account", "Campaign"}),
    Stream.AD_GROUPS: frozenset({"Account", "Ad Group"}),
    Stream.ADS: AD_RECORDS | {"Account", "Ad Group"},
    Stream.KEYWORDS: frozenset({"Account", "Keyword", "Ad Group"}),
}
_ANY = (
    "Type",
    "Status",
    "Id",
    "Parent Id",
    "Client Id",
    "Modified Time",
    "Campaign",
    "Ad Group",
    "Error Number",
    "Error",
)
COLUMNS = {
    Stream.CAMPAIGNS: frozenset(_ANY)
    | {
        "AI Search Enabled", "Ad Schedule Use Searcher Time Zone", "Additional Conversion Value",
        "Auto Generated Image Assets Opt Out", "Auto Generated Text Assets Opt Out", "Bid Adjustment",
        "Bid Strategy Id", "Bid Strategy Name", "Bid Strategy Scope", "Bid Strategy Type", "Budget", "Budget Id",
        "Budget Name", "Budget Type", "Campaign Type", "Cost Per Sale Opt Out", "Country Code", "Custom Parameter",
        "Destination Channel", "Disclaimer Ads Enabled", "Domain Language", "Dynamic Description Enabled",
        "Experiment Id", "Feed Id", "Final Url Suffix", "Is Multi Channel Campaign", "Is Political", "Language",
        "LocalInventoryAdsEnabled", "Multi Media Ad Bid Adjustment", "New Customer Acquisition Bid Only Mode",
        "New Customer Acquisition Goal Id", "Page Feed Ids", "Priority", "Search Term Matching Opt Out",
        "Should Serve On MSAN", "Source", "Store Id", "Sub Type", "Target Setting", "Time Zone", "Tracking Template",
        "Url Expansion Opt Out", "Website",
    },
    Stream.AD_GROUPS: frozenset(_ANY)
    | {
        "Ad Group Type", "Ad Rotation", "Ad Schedule Use Searcher Time Zone", "Base Domain", "Bid Adjustment",
        "Bid Boost Value", "Bid Option", "Bid Strategy Type", "Commission Rate", "Cpc Bid", "Cpm Bid", "Cpv Bid",
        "Custom Parameter", "End Date", "Final Url Suffix", "Hotel Ad Group Type", "Inherited Bid Strategy Type",
        "Language", "Maximum Bid", "Multi Media Ad Bid Adjustment", "Network Distribution", "Percent Cpc Bid",
        "Privacy Status", "Start Date", "Target Setting", "Tracking Template", "Use Optimized Targeting",
    },
    Stream.KEYWORDS: frozenset(_ANY)
    | {
        "Bid", "Bid Strategy Type", "Custom Parameter", "Destination Url", "Editorial Status", "Final Url",
        "Final Url Suffix", "Inherited Bid Strategy Type", "Keyword", "Match Type", "Mobile Final Url", "Param1",
        "Param2", "Param3", "Tracking Template",
    },
    Stream.ADS: frozenset(_ANY)
    | {
        "Ad Format Preference", "App Id", "App Platform", "Business Name", "Call To Action",
        "Call To Action Language", "Custom Parameter", "Description", "Descriptions", "Destination Url",
        "Device Preference", "Display Url", "Domain", "Editorial Appeal Status", "Editorial Status", "Final Url",
        "Final Url Suffix", "Headline", "Headlines", "Images", "Impression Tracking Urls", "Long Headline",
        "Long Headlines", "Mobile Final Url", "Path 1", "Path 2", "Promotion", "Text", "Text Part 2", "Title",
        "Title Part 1", "Title Part 2", "Title Part 3", "Tracking Template", "Verified Tracking Setting", "Videos",
    },
}  # fmt: skip
CODES = Codes(
    throttled=listed("CallRateExceeded 117"),
    passing=listed("InternalError 0"),
    expired=listed("AuthenticationTokenExpired 109"),
)
ACCOUNT_CODES = listed(
    "InvalidCredentials UserIsNotAuthorized AuthenticationTokenExpired AccountNotAuthorized CustomerNotActive"
    " AccountNotActive AccountInactive InvalidAccountId CustomerInfoMissing 105 106 109"
)
