"""What Google Ads is asked, in its own query language (GAQL).

What belongs here: the fields of each stream. What does not: requests (client.py) and rows (rows.py).
"""

from resources.ad_platforms.records import AccountDays, Level, Stream

_METRICS = "metrics.impressions, metrics.clicks, metrics.cost_micros, metrics.conversions, metrics.conversions_value"
# Google refuses impressions, clicks and cost beside a conversion action, so that these are a query of their own.
_CONVERSIONS = (
    "segments.conversion_action, segments.conversion_action_name, metrics.conversions, metrics.conversions_value,"
    " metrics.all_conversions, metrics.all_conversions_value"
)
_CAMPAIGN = "campaign.id, campaign.name, campaign.status"
_GROUP = "ad_group.id, ad_group.name, ad_group.status"
_PHRASE = "ad_group_criterion.keyword.text, ad_group_criterion.keyword.match_type"
_WORD = f"ad_group_criterion.criterion_id, {_PHRASE}, ad_group_criterion.status"
_AD = "ad_group_ad.ad.id, ad_group_ad.ad.name, ad_group_ad.status"

LISTS = {
    Stream.ACCOUNT: (
        "SELECT customer.id, customer.descriptive_name, customer.currency_code, customer.time_zone, customer.status,"
        " customer.manager FROM customer"
    ),
    Stream.CAMPAIGNS: (
        f"SELECT {_CAMPAIGN}, campaign.primary_status, campaign.advertising_channel_type, campaign.start_date_time,"
        " campaign_budget.id, campaign_budget.amount_micros, campaign_budget.total_amount_micros,"
        " campaign_budget.explicitly_shared, campaign_budget.period FROM campaign"
    ),
    Stream.AD_GROUPS: (
        f"SELECT {_GROUP}, ad_group.primary_status, ad_group.type, ad_group.cpc_bid_micros, campaign.id FROM ad_group"
    ),
    Stream.ADS: (
        f"SELECT {_AD}, ad_group_ad.primary_status, ad_group_ad.ad.type, ad_group_ad.ad.final_urls,"
        " ad_group_ad.ad.final_url_suffix, ad_group_ad.ad.responsive_search_ad.headlines,"
        " ad_group_ad.ad.responsive_search_ad.descriptions, ad_group.id, campaign.id FROM ad_group_ad"
    ),
    Stream.KEYWORDS: (
        f"SELECT {_WORD}, ad_group_criterion.cpc_bid_micros, ad_group_criterion.quality_info.quality_score,"
        " ad_group.id, campaign.id FROM ad_group_criterion"
        " WHERE ad_group_criterion.type = 'KEYWORD' AND ad_group_criterion.negative = FALSE"
    ),
}
CLIENTS = (
    "SELECT customer_client.id, customer_client.descriptive_name FROM customer_client"
    " WHERE customer_client.manager = FALSE AND customer_client.status = 'ENABLED'"
)
CLICKS = "SELECT click_view.gclid, click_view.ad_group_ad, ad_group.id, campaign.id FROM click_view"

# Of each level's days, the resource, the ids, and what else describes the entities.
_DAYS = {
    Level.ACCOUNT: ("customer", "customer.id", ""),
    Level.CAMPAIGN: ("campaign", "campaign.id", "campaign.name, campaign.status, "),
    Level.AD_GROUP: ("ad_group", "ad_group.id, campaign.id", "ad_group.name, ad_group.status, campaign.name, "),
    Level.AD: (
        "ad_group_ad",
        "ad_group_ad.ad.id, ad_group.id, campaign.id",
        "ad_group_ad.ad.name, ad_group_ad.status, ad_group.name, campaign.name, ",
    ),
    Level.KEYWORD: (
        "keyword_view",
        "ad_group_criterion.criterion_id, ad_group.id, campaign.id",
        f"{_PHRASE}, ad_group_criterion.status, ad_group.name, campaign.name, ",
    ),
}


def facts(level: Level, days: AccountDays) -> str:
    """The query for the numbers of a level's days."""
    resource, ids, names = _DAYS[level]
    return f"SELECT segments.date, {ids}, {names}{_METRICS} FROM {resource}{within(days)}"


def conversions(level: Level, days: AccountDays) -> str:
    """The query for the conversions of a level's days, by action."""
    resource, ids, _ = _DAYS[level]
    return f"SELECT segments.date, {ids}, {_CONVERSIONS} FROM {resource}{within(days)}"


def within(days: AccountDays) -> str:
    """The condition on days."""
    return f" WHERE segments.date BETWEEN '{days.since}' AND '{days.until}'"
