"""The fields that the sandbox's Google Ads has: their type, their value, and the resources that they can be read from.

What does not belong here: which rows a query yields (`results`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sandbox.world.actions import Action
from sandbox.world.entities import Account, Kind, State
from sandbox.world.facts import NOTHING, Fact

Value = str | int | float | bool | list[Any] | None

STATUS = {
    State.ACTIVE: "ENABLED",
    State.PAUSED: "PAUSED",
    State.REMOVED: "REMOVED",
    State.NOVEL: "LIMITED_BY_POLICY_REVIEW",  # no such status exists today
}
_PRIMARY = {**STATUS, State.ACTIVE: "ELIGIBLE"}
_CHANNEL = {Kind.SEARCH: "SEARCH", Kind.SHOPPING: "SHOPPING", Kind.BLENDED: "PERFORMANCE_MAX"}
_GROUP_TYPE = {Kind.SEARCH: "SEARCH_STANDARD", Kind.SHOPPING: "SHOPPING_PRODUCT_ADS", Kind.BLENDED: "UNKNOWN"}


class Form(StrEnum):
    """The type of a field. An int64 is a string in JSON."""

    INT64 = "int64"
    INT32 = "int32"
    DOUBLE = "double"
    TEXT = "text"
    BOOL = "bool"
    ENUM = "enum"
    LIST = "list"


NUMBERS = frozenset({Form.INT64, Form.INT32, Form.DOUBLE})


@dataclass(frozen=True, slots=True)
class Item:
    """What a row describes, as it is at the moment `at`.

    `campaign`, `group`, `ad` and `word` are entities of the world. They are None only where `JOINS` allows no field
    that reads them. `click_id` is set for rows of click_view, `action` and its numbers for rows by conversion action,
    `client` for rows of customer_client.
    """

    account: Account
    at: datetime
    campaign: Any = None
    group: Any = None
    word: Any = None
    fact: Fact = NOTHING
    day: date | None = None
    click_id: str | None = None
    negative: bool = False
    ad: Any = None
    action: Action | None = None
    client: Account | None = None
    manager: str = ""

    def path(self, collection: str, *ids: object) -> str:
        """A resource name."""
        return f"customers/{self.account.id}/{collection}/{'~'.join(map(str, ids))}"


@dataclass(frozen=True, slots=True)
class Field:
    form: Form
    value: Callable[[Item], Value]


_INT, _INT32, _DOUBLE, _TEXT, _BOOL = Form.INT64, Form.INT32, Form.DOUBLE, Form.TEXT, Form.BOOL
_ENUM, _LIST = Form.ENUM, Form.LIST
_AD_TYPE = {Kind.SEARCH: "RESPONSIVE_SEARCH_AD", Kind.SHOPPING: "SHOPPING_PRODUCT_AD", Kind.BLENDED: "UNKNOWN"}
ENUMS = {
    "ad_group_criterion.type": frozenset({"KEYWORD", "AD_SCHEDULE", "AGE_RANGE", "LISTING_GROUP", "WEBPAGE"}),
    "customer_client.status": frozenset({"ENABLED", "CANCELED", "SUSPENDED", "CLOSED"}),
    **dict.fromkeys(
        ("campaign.status", "ad_group.status", "ad_group_ad.status", "ad_group_criterion.status"),
        frozenset({"ENABLED", "PAUSED", "REMOVED"}),
    ),
}
"""The words that a condition on an enum may name."""

FIELDS: dict[str, Field] = {
    "customer.resource_name": Field(_TEXT, lambda item: f"customers/{item.manager or item.account.id}"),
    "customer.id": Field(_INT, lambda item: int(item.manager or item.account.id)),
    "customer.descriptive_name": Field(_TEXT, lambda item: item.account.name),
    "customer.currency_code": Field(_TEXT, lambda item: item.account.currency),
    "customer.time_zone": Field(_TEXT, lambda item: item.account.time_zone),
    "customer.status": Field(_ENUM, lambda _: "ENABLED"),
    "customer.manager": Field(_BOOL, lambda item: bool(item.manager)),
    "customer_client.resource_name": Field(_TEXT, lambda item: item.path("customerClients", _client(item).id)),
    "customer_client.id": Field(_INT, lambda item: int(_client(item).id)),
    "customer_client.descriptive_name": Field(_TEXT, lambda item: _client(item).name),
    "customer_client.manager": Field(_BOOL, lambda _: False),
    "customer_client.status": Field(_ENUM, lambda _: "ENABLED"),
    "campaign.resource_name": Field(_TEXT, lambda item: item.path("campaigns", item.campaign.id)),
    "campaign.id": Field(_INT, lambda item: item.campaign.id),
    "campaign.name": Field(_TEXT, lambda item: item.campaign.timeline.name_at(item.at)),
    "campaign.status": Field(_ENUM, lambda item: STATUS[item.campaign.timeline.state(item.at)]),
    "campaign.primary_status": Field(_TEXT, lambda item: _PRIMARY[item.campaign.timeline.state(item.at)]),
    "campaign.advertising_channel_type": Field(_TEXT, lambda item: _CHANNEL[item.campaign.kind]),
    "campaign.start_date_time": Field(_TEXT, lambda item: f"{item.campaign.timeline.starts} 00:00:00"),
    "campaign_budget.resource_name": Field(_TEXT, lambda item: item.path("campaignBudgets", item.campaign.budget.id)),
    "campaign_budget.id": Field(_INT, lambda item: item.campaign.budget.id),
    "campaign_budget.amount_micros": Field(_INT, lambda item: item.campaign.budget.amount),
    "campaign_budget.total_amount_micros": Field(_INT, lambda _: None),
    "campaign_budget.explicitly_shared": Field(_BOOL, lambda item: item.campaign.budget.shared),
    "campaign_budget.period": Field(_TEXT, lambda _: "DAILY"),
    # A click of a Performance Max campaign has no ad group.
    "ad_group.resource_name": Field(_TEXT, lambda item: item.path("adGroups", item.group.id) if item.group else None),
    "ad_group.id": Field(_INT, lambda item: item.group.id if item.group else None),
    "ad_group.name": Field(_TEXT, lambda item: item.group.timeline.name_at(item.at)),
    "ad_group.status": Field(_ENUM, lambda item: STATUS[item.group.timeline.state(item.at)]),
    "ad_group.primary_status": Field(_TEXT, lambda item: _PRIMARY[item.group.timeline.state(item.at)]),
    "ad_group.type": Field(_TEXT, lambda item: _GROUP_TYPE[item.campaign.kind]),
    "ad_group.cpc_bid_micros": Field(_INT, lambda item: item.group.bid),
    "ad_group_ad.resource_name": Field(_TEXT, lambda item: item.path("adGroupAds", item.group.id, item.ad.id)),
    "ad_group_ad.status": Field(_ENUM, lambda item: STATUS[item.ad.timeline.state(item.at)]),
    "ad_group_ad.primary_status": Field(_TEXT, lambda item: _PRIMARY[item.ad.timeline.state(item.at)]),
    "ad_group_ad.ad.resource_name": Field(_TEXT, lambda item: item.path("ads", item.ad.id)),
    "ad_group_ad.ad.id": Field(_INT, lambda item: item.ad.id),
    "ad_group_ad.ad.name": Field(_TEXT, lambda _: None),
    "ad_group_ad.ad.type": Field(_TEXT, lambda item: _AD_TYPE[item.campaign.kind]),
    "ad_group_ad.ad.final_urls": Field(_LIST, lambda item: [item.ad.landing_page]),
    "ad_group_ad.ad.final_url_suffix": Field(_TEXT, lambda item: f"utm_content={item.ad.utm_content}"),
    "ad_group_ad.ad.responsive_search_ad.headlines": Field(_LIST, lambda item: _asset(item, item.ad.headline)),
    "ad_group_ad.ad.responsive_search_ad.descriptions": Field(_LIST, lambda item: _asset(item, item.ad.body)),
    "ad_group_criterion.resource_name": Field(
        _TEXT, lambda item: item.path("adGroupCriteria", item.group.id, item.word.id)
    ),
    "ad_group_criterion.criterion_id": Field(_INT, lambda item: item.word.id),
    "ad_group_criterion.type": Field(_ENUM, lambda _: "KEYWORD"),
    "ad_group_criterion.negative": Field(_BOOL, lambda item: item.negative),
    "ad_group_criterion.status": Field(_ENUM, lambda item: STATUS[item.word.timeline.state(item.at)]),
    "ad_group_criterion.keyword.text": Field(_TEXT, lambda item: item.word.text),
    "ad_group_criterion.keyword.match_type": Field(_TEXT, lambda item: item.word.match_type),
    "ad_group_criterion.cpc_bid_micros": Field(_INT, lambda item: item.word.bid),
    "ad_group_criterion.quality_info.quality_score": Field(_INT32, lambda item: item.word.quality_score),
    "keyword_view.resource_name": Field(_TEXT, lambda item: item.path("keywordViews", item.group.id, item.word.id)),
    "click_view.resource_name": Field(_TEXT, lambda item: item.path("clickViews", item.day, item.click_id)),
    "click_view.gclid": Field(_TEXT, lambda item: item.click_id),
    "click_view.ad_group_ad": Field(
        _TEXT, lambda item: item.path("adGroupAds", item.group.id, item.ad.id) if item.ad else None
    ),
    "segments.date": Field(_TEXT, lambda item: str(item.day)),
    "segments.conversion_action": Field(
        _TEXT, lambda item: item.path("conversionActions", item.action.name) if item.action else None
    ),
    "segments.conversion_action_name": Field(_TEXT, lambda item: item.action.label if item.action else None),
    "metrics.impressions": Field(_INT, lambda item: item.fact.impressions),
    "metrics.clicks": Field(_INT, lambda item: item.fact.clicks),
    "metrics.cost_micros": Field(_INT, lambda item: item.fact.cost),
    "metrics.conversions": Field(
        _DOUBLE, lambda item: _counted(item, item.fact.conversions, 0 if item.action is None else item.action.count)
    ),
    "metrics.conversions_value": Field(
        _DOUBLE, lambda item: _counted(item, item.fact.value, 0 if item.action is None else item.action.value)
    ),
    "metrics.all_conversions": Field(
        _DOUBLE,
        lambda item: (
            (item.fact.conversions + item.fact.leads) / 1_000_000 if item.action is None else float(item.action.count)
        ),
    ),
    "metrics.all_conversions_value": Field(
        _DOUBLE, lambda item: item.fact.value / 1_000_000 if item.action is None else float(item.action.value)
    ),
}


def _counted(item: Item, micros: int, of_action: Decimal | int) -> float:
    if item.action is None:
        return micros / 1_000_000
    return float(of_action) if item.action.window == "primary" else 0.0


def _client(item: Item) -> Account:
    assert item.client is not None  # set for rows of customer_client
    return item.client


def _asset(item: Item, text: str) -> list[Any] | None:
    return [{"text": text}] if item.campaign.kind is Kind.SEARCH else None


# The resources whose fields a query can read, by the resource of its FROM clause. Criteria have no metrics.
JOINS: dict[str, tuple[str, ...]] = {
    "customer": ("customer", "metrics", "segments"),
    "campaign": ("campaign", "campaign_budget", "customer", "metrics", "segments"),
    "ad_group": ("ad_group", "campaign", "customer", "metrics", "segments"),
    "ad_group_criterion": ("ad_group_criterion", "ad_group", "campaign", "customer"),
    "keyword_view": ("keyword_view", "ad_group_criterion", "ad_group", "campaign", "customer", "metrics", "segments"),
    "ad_group_ad": ("ad_group_ad", "ad_group", "campaign", "customer", "metrics", "segments"),
    "click_view": ("click_view", "ad_group", "campaign", "customer", "segments"),
    "customer_client": ("customer_client", "customer"),
}
