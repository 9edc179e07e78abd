"""How far two levels may differ because each platform rounds each row by itself. Pure."""

from collections.abc import Collection
from decimal import Decimal

# Currencies that the platforms give no part of.
WHOLE_CURRENCIES: Collection[str] = (
    "CLP", "COP", "CRC", "HUF", "IDR", "ISK", "JPY", "KRW", "PYG", "TWD", "VND",
)  # fmt: skip
SMALLEST = {True: Decimal(1), False: Decimal("0.01")}


def rounding(rows: int, currency: str) -> Decimal:
    """By how much the spend of so many rows may exceed the row above them: half a coin each, and for that row too."""
    return (rows + 1) * SMALLEST[currency in WHOLE_CURRENCIES] / 2
