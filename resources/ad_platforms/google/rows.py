"""The rows of Google Ads searches, as records.

What does not belong here: queries (queries.py) and requests (client.py).
"""

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from functools import partial
from typing import Any, BinaryIO

from resources.ad_platforms import fields
from resources.ad_platforms.fields import LARGEST, MICRO, identity, listed, number, part, text, whole, word
from resources.ad_platforms.google import words
from resources.ad_platforms.records import (
    Account,
    Ad,
    AdGroup,
    Campaign,
    Click,
    Conversion,
    Creative,
    Fact,
    Keyword,
    Level,
    Notes,
    Record,
    Stream,
)

# The known fields of entities: those that a query selects, and those that Google adds itself.
_KNOWN = {
    "campaign": listed("id name status primaryStatus advertisingChannelType startDateTime resourceName campaignBudget"),
    "campaignBudget": listed("id amountMicros totalAmountMicros explicitlyShared period resourceName"),
    "adGroup": listed("id name status primaryStatus type cpcBidMicros campaign resourceName"),
    "adGroupAd": listed("ad status primaryStatus adGroup resourceName"),
    "ad": listed("id name type finalUrls finalUrlSuffix responsiveSearchAd resourceName"),
    "adGroupCriterion": listed(
        "criterionId keyword status cpcBidMicros qualityInfo type negative resourceName adGroup"
    ),
    "customer": listed("id descriptiveName currencyCode timeZone status manager resourceName"),
    "metrics": listed("impressions clicks costMicros conversions conversionsValue allConversions allConversionsValue"),
}


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The records of a page; a MalformedPageError if it cannot be read. `context`: `of` is `conversions` for these."""
    rows = fields.of_account(fields.rows(fields.decoded(body.read()), "results"), context.get("account"), _accounts)
    if not stream.is_daily:
        return fields.records(rows, _READ[stream], notes)
    if context.get("of") == "conversions":
        return fields.record_lists(rows, partial(_conversions, stream.level), notes)
    return fields.records(rows, partial(_fact, stream.level), notes)


def _accounts(row: Mapping[str, Any]) -> Iterator[str]:
    """The customers in the resource names of a row, such as customers/1/campaigns/7. That of a conversion action is no
    part of its own, because it may be the manager's."""
    for entity in row.values():
        name = entity.get("resourceName") if isinstance(entity, dict) else None
        if isinstance(name, str) and name.startswith("customers/"):
            yield name.split("/")[1]


def _account(row: Mapping[str, Any], notes: Notes) -> Account:
    customer = _part(row, "customer", notes)
    zone = text(customer, "timeZone")
    return Account(
        id=identity(customer, "id"),
        name=text(customer, "descriptiveName", default=""),
        currency=text(customer, "currencyCode"),
        time_zone=zone,
        native_time_zone=zone,
        native_status=text(customer, "status", default=""),
        raw=fields.raw(row),
    )


def _campaign(row: Mapping[str, Any], notes: Notes) -> Campaign:
    campaign = _part(row, "campaign", notes)
    budget = _part(row, "campaignBudget", notes) if "campaignBudget" in row else {}
    status = text(campaign, "status", default="")
    word(campaign, "advertisingChannelType", words.CHANNELS, notes)
    lifetime = budget.get("totalAmountMicros") is not None
    amount = budget.get("totalAmountMicros" if lifetime else "amountMicros")
    return Campaign(
        id=identity(campaign, "id"),
        name=text(campaign, "name"),
        native_status=status,
        deleted=status == "REMOVED",
        ended=campaign.get("primaryStatus") == "ENDED",
        budget=None if amount is None else _micros(amount, "amountMicros"),
        budget_type=None if amount is None else "lifetime" if lifetime else "daily",
        budget_id=identity(budget, "id") if budget.get("id") is not None else None,
        raw=fields.raw(row),
    )


def _ad_group(row: Mapping[str, Any], notes: Notes) -> AdGroup:
    group = _part(row, "adGroup", notes)
    status = text(group, "status", default="")
    word(group, "type", words.GROUP_TYPES, notes)
    return AdGroup(
        id=identity(group, "id"),
        campaign_id=identity(part(row, "campaign"), "id"),
        name=text(group, "name"),
        native_status=status,
        deleted=status == "REMOVED",
        bid=_bid(group),
        raw=fields.raw(row),
    )


def _ad(row: Mapping[str, Any], notes: Notes) -> Ad:
    place = _part(row, "adGroupAd", notes)
    ad = _part(place, "ad", notes)
    status, kind = text(place, "status", default=""), word(ad, "type", words.AD_TYPES, notes)
    texts = ad.get("responsiveSearchAd") or {}
    name = text(ad, "name", default="")
    headline = _first(texts, "headlines")
    return Ad(
        id=identity(ad, "id"),
        ad_group_id=identity(part(row, "adGroup"), "id"),
        campaign_id=identity(part(row, "campaign"), "id"),
        name=name or headline,
        native_status=status,
        deleted=status == "REMOVED",
        creative=Creative(
            id=identity(ad, "id"),
            kind=kind,
            headline=headline,
            body=_first(texts, "descriptions"),
            landing_page=next(iter(ad.get("finalUrls") or ()), ""),
            url_parameters=text(ad, "finalUrlSuffix", default=""),
        ),
        raw=fields.raw(row),
    )


def _first(texts: Mapping[str, Any], name: str) -> str:
    return next((text(asset, "text", default="") for asset in texts.get(name) or ()), "")


def _keyword(row: Mapping[str, Any], notes: Notes) -> Keyword:
    criterion = _part(row, "adGroupCriterion", notes)
    phrase = part(criterion, "keyword")
    status = text(criterion, "status", default="")
    score = criterion.get("qualityInfo", {}).get("qualityScore")
    return Keyword(
        id=identity(criterion, "criterionId"),
        ad_group_id=identity(part(row, "adGroup"), "id"),
        campaign_id=identity(part(row, "campaign"), "id"),
        text=text(phrase, "text"),
        match_type=text(phrase, "matchType", default=""),
        native_status=status,
        deleted=status == "REMOVED",
        bid=_bid(criterion),
        quality_score=None if score is None else whole({"qualityScore": score}, "qualityScore"),
        raw=fields.raw(row),
    )


def _click(row: Mapping[str, Any], notes: Notes) -> Click | None:
    del notes
    click = part(row, "clickView")
    click_id = text(click, "gclid", default="")
    if not click_id:
        return None
    # The resource name ends in AD_GROUP~AD.
    ad = text(click, "adGroupAd", default="").rpartition("~")[2]
    group = identity(part(row, "adGroup"), "id") if "adGroup" in row else ""
    return Click(click_id, identity(part(row, "campaign"), "id"), group, ad)


_READ: Mapping[Stream, Callable[[Mapping[str, Any], Notes], Record | None]] = {
    Stream.ACCOUNT: _account,
    Stream.CAMPAIGNS: _campaign,
    Stream.AD_GROUPS: _ad_group,
    Stream.ADS: _ad,
    Stream.KEYWORDS: _keyword,
    Stream.CLICKS: _click,
}


def _ids(level: Level, row: Mapping[str, Any]) -> tuple[str, str, str, str]:
    """Campaign, ad group, ad and keyword; '' below the level."""
    if level is Level.ACCOUNT:
        return "", "", "", ""
    campaign_id = identity(row["campaign"], "id")
    if level is Level.CAMPAIGN:
        return campaign_id, "", "", ""
    group_id = identity(row["adGroup"], "id")
    ad_id = identity(row["adGroupAd"]["ad"], "id") if level is Level.AD else ""
    keyword_id = identity(row["adGroupCriterion"], "criterionId") if level is Level.KEYWORD else ""
    return campaign_id, group_id, ad_id, keyword_id


def _names(level: Level, row: Mapping[str, Any]) -> dict[str, str]:
    if level is Level.ACCOUNT:
        return {}
    campaign = row["campaign"]
    names = {"campaign_name": text(campaign, "name", default="")}
    if level is Level.CAMPAIGN:
        return names | {"native_status": campaign.get("status", "")}
    group = row["adGroup"]
    names["ad_group_name"] = text(group, "name", default="")
    if level is Level.AD_GROUP:
        return names | {"native_status": group.get("status", "")}
    if level is Level.AD:
        ad = row["adGroupAd"]
        return names | {"ad_name": text(ad["ad"], "name", default=""), "native_status": ad.get("status", "")}
    criterion = row["adGroupCriterion"]
    phrase = criterion.get("keyword", {})
    return names | {
        "text": text(phrase, "text", default=""),
        "match_type": text(phrase, "matchType", default=""),
        "native_status": criterion.get("status", ""),
    }


def _fact(level: Level, row: Mapping[str, Any], notes: Notes) -> Fact:
    metrics = _part(row, "metrics", notes)
    return Fact(
        fields.day(row["segments"]["date"], "segments.date"),
        *_ids(level, row),
        impressions=whole(metrics, "impressions"),
        clicks=whole(metrics, "clicks"),
        spend=_micros(metrics.get("costMicros"), "costMicros"),
        conversions=number(metrics.get("conversions"), "conversions"),
        conversions_value=number(metrics.get("conversionsValue"), "conversionsValue"),
        names=_names(level, row),
    )


def _conversions(level: Level, row: Mapping[str, Any], notes: Notes) -> Iterator[Conversion]:
    """What Google itself counts (`primary`), and what it has of the action besides (`secondary`)."""
    metrics, segments = _part(row, "metrics", notes), part(row, "segments")
    day, ids = fields.day(segments.get("date"), "segments.date"), _ids(level, row)
    # The resource name ends in the action's id.
    action = text(segments, "conversionAction").rpartition("/")[2]
    label = text(segments, "conversionActionName", default="")
    counted = [number(metrics.get(name), name) for name in ("conversions", "conversionsValue")]
    rest = [
        number(metrics.get(name), name) - less
        for name, less in zip(("allConversions", "allConversionsValue"), counted, strict=True)
    ]
    for window, (count, value) in (("primary", counted), ("secondary", rest)):
        if count or value:
            yield Conversion(day, *ids, action, label, window, count, value)


def _part(row: Mapping[str, Any], name: str, notes: Notes) -> Mapping[str, Any]:
    entity = part(row, name)
    fields.note_unknown(notes, f"{name}.", entity, _KNOWN[name])
    return entity


def _micros(value: Any, name: str) -> Decimal:
    return number(value, name, LARGEST * MICRO) / MICRO


def _bid(row: Mapping[str, Any]) -> Decimal | None:
    value = row.get("cpcBidMicros")
    return None if value is None else _micros(value, "cpcBidMicros")
