"""The fields that the sandbox's Google Ads knows: of which resource, of which type, and where its value comes from.

What does not belong here: filtering, aggregation and paging (`results`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sandbox.apps import GOOGLE_MANAGER_ID
from sandbox.world.entities import Account, AdGroup, Campaign, Keyword, Kind, State
from sandbox.world.facts import NOTHING, Fact
from sandbox.world.world import Click

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
    """How a value is written in JSON; an int64 is a string there."""

    INT64 = "int64"
    INT32 = "int32"
    DOUBLE = "double"
    TEXT = "text"
    BOOL = "bool"


@dataclass(frozen=True, slots=True)
class Subject:
    """What a row speaks of, at the moment `at`. `negative` keywords are told apart by nothing else."""

    account: Account
    at: datetime
    campaign: Campaign | None = None
    group: AdGroup | None = None
    word: Keyword | None = None
    fact: Fact = NOTHING
    day: date | None = None
    click: Click | None = None
    negative: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    form: Form
    value: Callable[[Subject], Value]


def _campaign(read: Callable[[Campaign, Subject], Value]) -> Callable[[Subject], Value]:
    return lambda subject: None if subject.campaign is None else read(subject.campaign, subject)


def _group(read: Callable[[AdGroup, Subject], Value]) -> Callable[[Subject], Value]:
    return lambda subject: None if subject.group is None else read(subject.group, subject)


def _word(read: Callable[[Keyword, Subject], Value]) -> Callable[[Subject], Value]:
    return lambda subject: None if subject.word is None else read(subject.word, subject)


def _ratio(part: float, whole: int) -> float:
    return part / whole if whole else 0.0


def _criterion_name(room: str) -> Callable[[Subject], Value]:
    def name(subject: Subject) -> Value:
        if subject.group is None or subject.word is None:
            return None
        return f"customers/{subject.account.id}/{room}/{subject.group.id}~{subject.word.id}"

    return name


def _click_name(subject: Subject) -> Value:
    if subject.click is None or subject.day is None:
        return None
    return f"customers/{subject.account.id}/clickViews/{subject.day}~{subject.click.click_id}"


_INT, _INT32, _DOUBLE, _TEXT, _BOOL = Form.INT64, Form.INT32, Form.DOUBLE, Form.TEXT, Form.BOOL

FIELDS: dict[str, Field] = {
    "customer.resource_name": Field(_TEXT, lambda s: f"customers/{s.account.id}"),
    "customer.id": Field(_INT, lambda s: int(s.account.id)),
    "customer.descriptive_name": Field(_TEXT, lambda s: s.account.name),
    "customer.currency_code": Field(_TEXT, lambda s: s.account.currency),
    "customer.time_zone": Field(_TEXT, lambda s: s.account.time_zone),
    "customer.status": Field(_TEXT, lambda _: "ENABLED"),
    "customer.manager": Field(_BOOL, lambda _: False),
    "customer.test_account": Field(_BOOL, lambda _: False),
    "customer.auto_tagging_enabled": Field(_BOOL, lambda _: True),
    "customer_client.resource_name": Field(
        _TEXT, lambda s: f"customers/{GOOGLE_MANAGER_ID}/customerClients/{s.account.id}"
    ),
    "customer_client.client_customer": Field(_TEXT, lambda s: f"customers/{s.account.id}"),
    "customer_client.id": Field(_INT, lambda s: int(s.account.id)),
    "customer_client.descriptive_name": Field(_TEXT, lambda s: s.account.name),
    "customer_client.currency_code": Field(_TEXT, lambda s: s.account.currency),
    "customer_client.time_zone": Field(_TEXT, lambda s: s.account.time_zone),
    "customer_client.status": Field(_TEXT, lambda _: "ENABLED"),
    "customer_client.manager": Field(_BOOL, lambda _: False),
    "customer_client.level": Field(_INT, lambda _: 1),
    "campaign.resource_name": Field(_TEXT, _campaign(lambda c, s: f"customers/{s.account.id}/campaigns/{c.id}")),
    "campaign.id": Field(_INT, _campaign(lambda c, _: c.id)),
    "campaign.name": Field(_TEXT, _campaign(lambda c, s: c.timeline.name_at(s.at))),
    "campaign.status": Field(_TEXT, _campaign(lambda c, s: STATUS[c.timeline.state(s.at)])),
    "campaign.serving_status": Field(_TEXT, lambda _: "SERVING"),
    "campaign.primary_status": Field(_TEXT, _campaign(lambda c, s: _PRIMARY[c.timeline.state(s.at)])),
    "campaign.advertising_channel_type": Field(_TEXT, _campaign(lambda c, _: _CHANNEL[c.kind])),
    "campaign.bidding_strategy_type": Field(_TEXT, lambda _: "MANUAL_CPC"),
    "campaign.start_date_time": Field(_TEXT, _campaign(lambda c, _: f"{c.timeline.starts} 00:00:00")),
    "campaign.end_date_time": Field(_TEXT, lambda _: "2037-12-30 23:59:59"),
    "campaign.campaign_budget": Field(
        _TEXT, _campaign(lambda c, s: f"customers/{s.account.id}/campaignBudgets/{c.budget.id}")
    ),
    "campaign_budget.resource_name": Field(
        _TEXT, _campaign(lambda c, s: f"customers/{s.account.id}/campaignBudgets/{c.budget.id}")
    ),
    "campaign_budget.id": Field(_INT, _campaign(lambda c, _: c.budget.id)),
    "campaign_budget.name": Field(_TEXT, _campaign(lambda c, _: c.budget.name)),
    "campaign_budget.amount_micros": Field(_INT, _campaign(lambda c, _: c.budget.amount)),
    "campaign_budget.total_amount_micros": Field(_INT, lambda _: None),
    "campaign_budget.explicitly_shared": Field(_BOOL, _campaign(lambda c, _: c.budget.shared)),
    "campaign_budget.period": Field(_TEXT, lambda _: "DAILY"),
    "campaign_budget.delivery_method": Field(_TEXT, lambda _: "STANDARD"),
    "campaign_budget.type": Field(_TEXT, lambda _: "STANDARD"),
    "campaign_budget.status": Field(_TEXT, lambda _: "ENABLED"),
    "ad_group.resource_name": Field(_TEXT, _group(lambda g, s: f"customers/{s.account.id}/adGroups/{g.id}")),
    "ad_group.id": Field(_INT, _group(lambda g, _: g.id)),
    "ad_group.name": Field(_TEXT, _group(lambda g, s: g.timeline.name_at(s.at))),
    "ad_group.status": Field(_TEXT, _group(lambda g, s: STATUS[g.timeline.state(s.at)])),
    "ad_group.primary_status": Field(_TEXT, _group(lambda g, s: _PRIMARY[g.timeline.state(s.at)])),
    "ad_group.type": Field(_TEXT, _campaign(lambda c, _: _GROUP_TYPE[c.kind])),
    "ad_group.cpc_bid_micros": Field(_INT, _group(lambda g, _: g.bid)),
    "ad_group.campaign": Field(_TEXT, _campaign(lambda c, s: f"customers/{s.account.id}/campaigns/{c.id}")),
    "ad_group_criterion.resource_name": Field(_TEXT, _criterion_name("adGroupCriteria")),
    "ad_group_criterion.criterion_id": Field(_INT, _word(lambda w, _: w.id)),
    "ad_group_criterion.type": Field(_TEXT, lambda _: "KEYWORD"),
    "ad_group_criterion.negative": Field(_BOOL, lambda s: s.negative),
    "ad_group_criterion.status": Field(_TEXT, _word(lambda w, s: STATUS[w.timeline.state(s.at)])),
    "ad_group_criterion.primary_status": Field(_TEXT, _word(lambda w, s: _PRIMARY[w.timeline.state(s.at)])),
    "ad_group_criterion.ad_group": Field(_TEXT, _group(lambda g, s: f"customers/{s.account.id}/adGroups/{g.id}")),
    "ad_group_criterion.keyword.text": Field(_TEXT, _word(lambda w, _: w.text)),
    "ad_group_criterion.keyword.match_type": Field(_TEXT, _word(lambda w, _: w.match_type)),
    "ad_group_criterion.cpc_bid_micros": Field(_INT, _word(lambda w, _: w.bid)),
    "ad_group_criterion.effective_cpc_bid_micros": Field(_INT, _word(lambda w, _: w.bid)),
    "ad_group_criterion.quality_info.quality_score": Field(_INT32, _word(lambda w, _: w.quality_score)),
    "keyword_view.resource_name": Field(_TEXT, _criterion_name("keywordViews")),
    "click_view.resource_name": Field(_TEXT, _click_name),
    "click_view.gclid": Field(_TEXT, lambda s: None if s.click is None else s.click.click_id),
    "segments.date": Field(_TEXT, lambda s: None if s.day is None else s.day.isoformat()),
    "metrics.impressions": Field(_INT, lambda s: s.fact.impressions),
    "metrics.clicks": Field(_INT, lambda s: s.fact.clicks),
    "metrics.cost_micros": Field(_INT, lambda s: s.fact.cost),
    "metrics.conversions": Field(_DOUBLE, lambda s: s.fact.conversions / 1_000_000),
    "metrics.conversions_value": Field(_DOUBLE, lambda s: s.fact.value / 1_000_000),
    "metrics.all_conversions": Field(_DOUBLE, lambda s: s.fact.conversions / 1_000_000),
    "metrics.all_conversions_value": Field(_DOUBLE, lambda s: s.fact.value / 1_000_000),
    "metrics.view_through_conversions": Field(_INT, lambda _: 0),
    "metrics.interactions": Field(_INT, lambda s: s.fact.clicks),
    "metrics.ctr": Field(_DOUBLE, lambda s: _ratio(s.fact.clicks, s.fact.impressions)),
    "metrics.average_cpc": Field(_DOUBLE, lambda s: _ratio(s.fact.cost, s.fact.clicks)),
}

# Which resources a query FROM one may select; their own come first. Criteria have no metrics: keyword_view has them.
JOINS: dict[str, tuple[str, ...]] = {
    "customer": ("customer", "metrics", "segments"),
    "customer_client": ("customer_client", "customer"),
    "campaign": ("campaign", "campaign_budget", "customer", "metrics", "segments"),
    "campaign_budget": ("campaign_budget", "customer"),
    "ad_group": ("ad_group", "campaign", "customer", "metrics", "segments"),
    "ad_group_criterion": ("ad_group_criterion", "ad_group", "campaign", "customer"),
    "keyword_view": ("keyword_view", "ad_group_criterion", "ad_group", "campaign", "customer", "metrics", "segments"),
    "click_view": ("click_view", "ad_group", "campaign", "customer", "metrics", "segments"),
}
