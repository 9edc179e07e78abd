"""How an event names a campaign: by a click id, by ids in its address, by utm texts. Pure.

What does not belong here: what makes a touch of events (touches.py), and whose the ids and texts are (match.py).
"""

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from assets.attribution.sources import platform_of
from assets.attribution.text import folded, plain

# Click ids of paid clicks alone, by the platform that adds them, the surest first. gbraid and wbraid stand for many
# clicks, so that no platform says whose one was.
CLICKS: Mapping[str, str] = {
    "gclid": "google",
    "gbraid": "google",
    "wbraid": "google",
    "msclkid": "microsoft",
    "ttclid": "tiktok",
}
# Facebook adds it to every link that leaves it, so that it is no sign of an ad.
UNPAID_CLICK, UNPAID_PLATFORM = "fbclid", "facebook"
# Google's own, which it adds beside gclid.
GOOGLE_CAMPAIGN = "gad_campaignid"
_CAMPAIGN_IDS, _AD_IDS = (GOOGLE_CAMPAIGN, "utm_id", "hsa_cam"), ("hsa_ad",)
# Names that operators give to the platforms' macros, and other pages to their own numbers: only a long number counts.
_CAMPAIGN_NUMBERS, _AD_NUMBERS = ("campaignid", "campaign_id"), ("ad_id", "adid", "creative", "utm_content")
_LONG_NUMBER = re.compile(r"\d{9,20}")
_LONGEST_CLICK_ID = 512
# An address without any of these names nothing, also if it holds more.
MARKS: tuple[str, ...] = ("clid=", "clkid=", "braid=", "utm_", "hsa_", "campaignid=", "campaign_id=", "ad_id=", "adid=",
    "creative=")  # fmt: skip


class Named(NamedTuple):
    """What an event names. platform, parameter, campaign, content: '' where there is none."""

    platform: str
    click: str | None
    parameter: str
    campaign_id: str
    ad_id: str
    campaign: str
    content: str

    def goes_on(self, last: "Named") -> bool:
        """Whether it is the same campaign or click as the last one: the surest of what this one names decides."""
        if self.platform and last.platform and self.platform != last.platform:
            return False
        if self.click:
            return self.click == last.click
        if self.campaign_id:
            return folded(self.campaign_id) == folded(last.campaign_id)
        if self.campaign:
            return folded(self.campaign) == folded(last.campaign)
        return folded(self.ad_id) == folded(last.ad_id)


class Texts(NamedTuple):
    """What an event says, as it came: the fields of the record, and the query of its address."""

    utm_source: str | None
    utm_campaign: str | None
    utm_content: str | None
    gclid: str | None
    fbclid: str | None
    query: str | None


def named(texts: Texts, sources: Mapping[str, str]) -> Named | None:
    """What an event names; None where it names no campaign. sources: platforms by the organisation's own utm_source."""
    address = parameters(texts.query or "")

    def said(name: str) -> str:
        return plain(getattr(texts, name, None)) or plain(address.get(name))

    source, campaign, content = said("utm_source"), said("utm_campaign"), said("utm_content")
    parameter = next((name for name in CLICKS if _click(said(name))), "")
    click, platform = _click(said(parameter)) if parameter else None, CLICKS.get(parameter, "")
    campaign_id = _first(said, _CAMPAIGN_IDS, _CAMPAIGN_NUMBERS)
    ad_id = _first(said, _AD_IDS, _AD_NUMBERS)
    if not (campaign or click or campaign_id or ad_id):
        return None
    unpaid = _click(said(UNPAID_CLICK))
    if not platform:
        if said(GOOGLE_CAMPAIGN):
            platform = "google"
        elif source:
            platform = platform_of(source, sources)
        elif unpaid:
            platform = UNPAID_PLATFORM
    if unpaid and not click and platform == UNPAID_PLATFORM:
        click, parameter = unpaid, UNPAID_CLICK
    return Named(platform, click, parameter, campaign_id, ad_id, campaign, content)


def parameters(query: str) -> dict[str, str]:
    """The parameters of an address by name in lower case, not decoded; of several with one name the first counts.

    A name may begin with `amp;`, where a page wrote its links for HTML twice.
    """
    found: dict[str, str] = {}
    for part in re.split(r"[?&#]", query):
        name, _, value = part.partition("=")
        found.setdefault(name.strip().lower().removeprefix("amp;"), value)
    return found


def _click(text: str) -> str | None:
    return text if 0 < len(text) <= _LONGEST_CLICK_ID else None


def _first(said: Callable[[str], str], names: tuple[str, ...], numbers: tuple[str, ...]) -> str:
    own = (said(name) for name in names)
    numeric = (text for text in map(said, numbers) if _LONG_NUMBER.fullmatch(text))
    return next((text for text in (*own, *numeric) if text), "")
