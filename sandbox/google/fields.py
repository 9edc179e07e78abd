"""The fields that the sandbox's Google Ads has: their type, their value, and the resources that they can be read from.

What does not belong here: which rows a query yields (`results`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sandbox.world.entities import Account, Kind, State
from sandbox.world.facts import NOTHING, Fact

Value = str | int | float | bool | None

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


NUMBERS = frozenset({Form.INT64, Form.INT32, Form.DOUBLE})


@dataclass(frozen=True, slots=True)
class Item:
    """What a row describes, as it is at the moment `at`.

    `campaign`, `group` and `word` are a Campaign, an AdGroup and a Keyword of the world. They are None only where
    `JOINS` allows no field that reads them. `click_id` is set for rows of click_view.
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

    def path(self, collection: str, *ids: object) -> str:
        """A resource name."""
        return f"customers/{self.account.id}/{collection}/{'~'.join(map(str, ids))}"


@dataclass(frozen=True, slots=True)
class Field:
    form: Form
    value: Callable[[Item], Value]


_INT, _INT32, _DOUBLE, _TEXT, _BOOL = Form.INT64, Form.INT32, Form.DOUBLE, Form.TEXT, Form.BOOL

FIELDS: dict[str, Field] = {
    "customer.resource_name": Field(_TEXT, lambda item: f"customers/{item.account.id}"),
    "customer.id": Field(_INT, lambda item: int(item.account.id)),
    "customer.descriptive_name": Field(_TEXT, lambda item: item.account.name),
    "customer.currency_code": Field(_TEXT, lambda item: item.account.currency),
    "customer.time_zone": Field(_TEXT, lambda item: item.account.time_zone),
    "customer.status": Field(_TEXT, lambda _: "ENABLED"),
    "customer.manager": Field(_BOOL, lambda _: False),
    "campaign.resource_name": Field(_TEXT, lambda item: item.path("campaigns", item.campaign.id)),
    "campaign.id": Field(_INT, lambda item: item.campaign.id),
    "campaign.name": Field(_TEXT, lambda item: item.campaign.timeline.name_at(item.at)),
    "campaign.status": Field(_TEXT, lambda item: STATUS[item.campaign.timeline.state(item.at)]),
    "campaign.primary_status": Field(_TEXT, lambda item: _PRIMARY[item.campaign.timeline.state(item.at)]),
    "campaign.advertising_channel_type": Field(_TEXT, lambda item: _CHANNEL[item.campaign.kind]),
    "campaign.start_date_time": Field(_TEXT, lambda item: f"{item.campaign.timeline.starts} 00:00:00"),
    "campaign_budget.resource_name": Field(_TEXT, lambda item: item.path("campaignBudgets", item.campaign.budget.id)),
    "campaign_budget.id": Field(_INT, lambda item: item.campaign.budget.id),
    "campaign_budget.amount_micros": Field(_INT, lambda item: item.campaign.budget.amount),
    "campaign_budget.total_amount_micros": Field(_INT, lambda _: None),
    "campaign_budget.explicitly_shared": Field(_BOOL, lambda item: item.campaign.budget.shared),
    "campaign_budget.period": Field(_TEXT, lambda _: "DAILY"),
    "ad_group.resource_name": Field(_TEXT, lambda item: item.path("adGroups", item.group.id)),
    "ad_group.id": Field(_INT, lambda item: item.group.id),
    "ad_group.name": Field(_TEXT, lambda item: item.group.timeline.name_at(item.at)),
    "ad_group.status": Field(_TEXT, lambda item: STATUS[item.group.timeline.state(item.at)]),
    "ad_group.primary_status": Field(_TEXT, lambda item: _PRIMARY[item.group.timeline.state(item.at)]),
    "ad_group.type": Field(_TEXT, lambda item: _GROUP_TYPE[item.campaign.kind]),
    "ad_group.cpc_bid_micros": Field(_INT, lambda item: item.group.bid),
    "ad_group_criterion.resource_name": Field(
        _TEXT, lambda item: item.path("adGroupCriteria", item.group.id, item.word.id)
    ),
    "ad_group_criterion.criterion_id": Field(_INT, lambda item: item.word.id),
    "ad_group_criterion.type": Field(_TEXT, lambda _: "KEYWORD"),
    "ad_group_criterion.negative": Field(_BOOL, lambda item: item.negative),
    "ad_group_criterion.status": Field(_TEXT, lambda item: STATUS[item.word.timeline.state(item.at)]),
    "ad_group_criterion.keyword.text": Field(_TEXT, lambda item: item.word.text),
    "ad_group_criterion.keyword.match_type": Field(_TEXT, lambda item: item.word.match_type),
    "ad_group_criterion.cpc_bid_micros": Field(_INT, lambda item: item.word.bid),
    "ad_group_criterion.quality_info.quality_score": Field(_INT32, lambda item: item.word.quality_score),
    "keyword_view.resource_name": Field(_TEXT, lambda item: item.path("keywordViews", item.group.id, item.word.id)),
    "click_view.resource_name": Field(_TEXT, lambda item: item.path("clickViews", item.day, item.click_id)),
    "click_view.gclid": Field(_TEXT, lambda item: item.click_id),
    "segments.date": Field(_TEXT, lambda item: str(item.day)),
    "metrics.impressions": Field(_INT, lambda item: item.fact.impressions),
    "metrics.clicks": Field(_INT, lambda item: item.fact.clicks),
    "metrics.cost_micros": Field(_INT, lambda item: item.fact.cost),
    "metrics.conversions": Field(_DOUBLE, lambda item: item.fact.conversions / 1_000_000),
    "metrics.conversions_value": Field(_DOUBLE, lambda item: item.fact.value / 1_000_000),
}

# The resources whose fields a query can read, by the resource of its FROM clause. Criteria have no metrics.
JOINS: dict[str, tuple[str, ...]] = {
    "customer": ("customer", "metrics", "segments"),
    "campaign": ("campaign", "campaign_budget", "customer", "metrics", "segments"),
    "ad_group": ("ad_group", "campaign", "customer", "metrics", "segments"),
    "ad_group_criterion": ("ad_group_criterion", "ad_group", "campaign", "customer"),
    "keyword_view": ("keyword_view", "ad_group_criterion", "ad_group", "campaign", "customer", "metrics", "segments"),
    "click_view": ("click_view", "campaign", "customer", "segments"),
}
