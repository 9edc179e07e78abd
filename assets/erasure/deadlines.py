"""Until when a request must be carried out. Pure.

GDPR: one calendar month from receipt, the last day of a shorter month. CCPA: 45 days. The earlier one counts. What does
not belong here: reminding of it (assets.py).
"""

import calendar
from datetime import datetime, timedelta

CCPA = timedelta(days=45)
NEAR = timedelta(days=7)


def deadline(received: datetime) -> datetime:
    """When a request that was received then must be done."""
    year, month = divmod(received.year * 12 + received.month, 12)
    day = min(received.day, calendar.monthrange(year, month + 1)[1])
    return min(received.replace(year=year, month=month + 1, day=day), received + CCPA)
