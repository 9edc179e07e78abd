"""The conversions of a day in the words of each platform: by action and attribution window.

In this world a purchase follows a click within a day, and every second lead a view. What does not belong here: how a
platform writes them in an answer.
"""

from decimal import Decimal
from typing import NamedTuple

from sandbox.world.entities import Platform
from sandbox.world.facts import Fact

PURCHASE_NAMES = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
"""Meta lists a purchase under three names. A client that adds up all action types counts it three times."""
LEAD_NAMES = ("lead", "offsite_conversion.fb_pixel_lead")
GOOGLE_ACTIONS = {"purchase": ("70010001", "Purchase (web)"), "lead": ("70010002", "Newsletter «lead»")}
MICROSOFT_GOALS = {"purchase": "Purchase", "lead": "Newsletter"}

_MILLION = Decimal(1_000_000)


class Action(NamedTuple):
    """What one action counts within one window."""

    name: str
    label: str
    window: str
    count: Decimal  # type: ignore[assignment]  # no one asks a record how often it holds a value
    value: Decimal


def actions(platform: Platform, fact: Fact) -> list[Action]:
    """The conversions of a fact, at Meta with the windows 7d_click and 1d_view. None of them is zero."""
    bought, value, leads = fact.conversions / _MILLION, fact.value / _MILLION, fact.leads / _MILLION
    nothing = Decimal(0)
    found: list[Action] = []
    match platform:
        case "google":
            found = [
                Action(*GOOGLE_ACTIONS["purchase"], "primary", bought, value),
                Action(*GOOGLE_ACTIONS["lead"], "secondary", leads, nothing),
            ]
        case "microsoft":
            found = [
                Action(MICROSOFT_GOALS["purchase"], "", "primary", bought, value),
                Action(MICROSOFT_GOALS["lead"], "", "secondary", leads, nothing),
            ]
        case "tiktok":
            found = [
                Action("conversion", "", "default", bought + leads, nothing),
                Action("complete_payment", "", "default", bought, value),
                Action("form", "", "default", leads, nothing),
            ]
        case "facebook":
            viewed = leads // 2
            found = [
                Action("link_click", "", "7d_click", Decimal(fact.clicks), nothing),
                *(Action(name, "", "7d_click", bought, value) for name in PURCHASE_NAMES),
                *(Action(name, "", "7d_click", leads - viewed, nothing) for name in LEAD_NAMES),
                *(Action(name, "", "1d_view", viewed, nothing) for name in LEAD_NAMES),
            ]
    return [action for action in found if action.count or action.value]
