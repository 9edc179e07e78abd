"""Microsoft's names of time zones.

What does not belong here: how a report asks for a zone (`report`).
"""

# Microsoft reports in this zone if a request names none.
DEFAULT = "PacificTimeUSCanadaTijuana"
NAMES = {
    DEFAULT: "America/Los_Angeles",
    "EasternTimeUSCanada": "America/New_York",
    "OsakaSapporoTokyo": "Asia/Tokyo",
    "Nukualofa": "Pacific/Tongatapu",
    "AmsterdamBerlinBernRomeStockholmVienna": "Europe/Berlin",
    "GreenwichMeanTimeDublinEdinburghLisbonLondon": "Europe/London",
}


def name(iana: str) -> str:
    """Microsoft's name of a time zone."""
    return next(name for name, zone in NAMES.items() if zone == iana)
