"""What real trackers, shops and addresses do to a sample: session ids that recur, names as people and scripts write
them, users with several devices, bots, currencies, orders that are reported twice, refunds.

It follows from the visitor, so that the generator of the events gives the same events with and without it. What does
not belong here: errors for which a line is refused (`sample`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

BOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
CURRENCIES = {"0": "USD", "1": "GBP"}


@dataclass(frozen=True)
class Purchase:
    """What a visitor bought: the order's id and its amount."""

    order: str
    value: float


def session_id(session: str, visitor: str) -> str:
    """The id that a session is given: of one visitor in sixteen, always the same."""
    return f"{visitor}-always" if visitor[0] == "0" else session


def campaign(name: str, visitor: str) -> str:
    """A campaign's name as the address has it: mostly as it is."""
    match visitor[1]:
        case "0":
            return name.upper()
        case "1":
            return f"+{name}%20"
        case "2":
            return quote(quote(name.replace("_", "%5F")))
        case "3":
            return "(not set)"
        case "4":
            return "{campaignid}"
        case _:
            return name


def user(visitor: str) -> str:
    """The user who is signed in: one visitor in sixteen is one of several devices of somebody."""
    return f"user-{visitor[3]:0>8}" if visitor[2] == "0" else f"user-{visitor[:8]}"


def user_agent(browser: str, visitor: str) -> str:
    """A browser's own, or of one visitor in thirty-two that of a bot."""
    return BOT if visitor[4] == "0" and visitor[5] < "8" else browser


def bought(purchase: Purchase, visitor: str) -> Mapping[str, Any]:
    """The fields of an event that says what was bought; two visitors in sixteen name the currency."""
    currency = CURRENCIES.get(visitor[6])
    named = f',"currency":"{currency}"' if currency else ""
    return {
        "user_id": user(visitor),
        "event_type": "conversion",
        "event_data": f'{{"items":1,"order_id":"{purchase.order}"{named}}}',
        "event_category": "ecommerce",
        "event_action": "purchase",
        "event_value": purchase.value,
    }


def after(purchase: Purchase, visitor: str) -> Mapping[str, Any]:
    """What the event after a purchase says of it: that it is refunded, the same again, mostly nothing."""
    match visitor[7]:
        case "0" | "1":
            return {**bought(purchase, visitor), "event_action": "refund", "event_value": -purchase.value}
        case "2":
            return bought(purchase, visitor)
        case _:
            return {}
