"""Accounts, statuses and time zones as Microsoft Advertising writes them.

What does not belong here: paths and headers (`api`), and the file of all entities (`bulk`).
"""

from sandbox.apps import MICROSOFT_CUSTOMER_ID
from sandbox.exchange import JSON
from sandbox.world.entities import Account, State

STATUS = {
    State.ACTIVE: "Active",
    State.PAUSED: "Paused",
    State.REMOVED: "Deleted",
    State.NOVEL: "UnderAppeal",  # no such status exists today
}

# Microsoft's names of time zones. It reports in DEFAULT_ZONE if a request names none.
DEFAULT_ZONE = "PacificTimeUSCanadaTijuana"
ZONES = {
    DEFAULT_ZONE: "America/Los_Angeles",
    "EasternTimeUSCanada": "America/New_York",
    "OsakaSapporoTokyo": "Asia/Tokyo",
    "Nukualofa": "Pacific/Tongatapu",
    "AmsterdamBerlinBernRomeStockholmVienna": "Europe/Berlin",
    "GreenwichMeanTimeDublinEdinburghLisbonLondon": "Europe/London",
}


def account(account: Account) -> JSON:
    return {
        "Id": account.id,
        "Name": account.name,
        "Number": f"F{account.id}",
        "AccountLifeCycleStatus": "Active",
        "CurrencyCode": account.currency,
        "TimeZone": zone(account),
        "ParentCustomerId": MICROSOFT_CUSTOMER_ID,
        "PauseReason": None,
    }


def zone(account: Account) -> str:
    return next(name for name, zone in ZONES.items() if zone == account.time_zone)
