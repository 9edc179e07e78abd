"""How values are written, each with its unit: counts, shares, bytes, times, money. None is always `no data`. Pure."""

from datetime import datetime, timedelta
from decimal import Decimal

from assets.page.blocks import NO_DATA
from resources.counts import counted

Number = int | float | Decimal
_BYTES = ("bytes", "kB", "MB", "GB", "TB")
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


def count(value: Number | None, noun: str = "", plural: str = "") -> str:
    """`1,204 events`; a part of one keeps two digits."""
    if value is None:
        return NO_DATA
    if value == int(value):
        return counted(int(value), noun, plural) if noun else f"{int(value):,}"
    return f"{value:,.2f} {plural or noun + 's'}" if noun else f"{value:,.2f}"


def share(value: Number | None) -> str:
    """`97.3 %` of 0.973."""
    return NO_DATA if value is None else f"{value * 100:.1f} %"


def size(value: Number | None) -> str:
    """`12.4 MB`, by thousands."""
    if value is None:
        return NO_DATA
    unit, of = bytes_unit(value)
    return f"{value:,.0f} {unit}" if of == 1 else f"{float(value) / of:,.1f} {unit}"


def bytes_unit(largest: Number) -> tuple[str, int]:
    """The unit that suits values up to this one, and its bytes."""
    place = 0
    while abs(largest) >= 1000 ** (place + 1) and place < len(_BYTES) - 1:
        place += 1
    return _BYTES[place], 1000**place


def duration(value: timedelta | None) -> str:
    """`4.2 s`, `12 min`, `3.5 h`, `9.0 days`."""
    if value is None:
        return NO_DATA
    seconds = value.total_seconds()
    if seconds < 2 * _MINUTE:
        return f"{seconds:,.1f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:,.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:,.1f} h"
    return f"{seconds / _DAY:,.1f} days"


def milliseconds(value: Number | None) -> str:
    """`12 ms`."""
    return NO_DATA if value is None else f"{value:,.0f} ms"


def money(value: Number | None, currency: str | None) -> str:
    """`1,204.50 EUR`; an amount whose currency nobody names says so."""
    return NO_DATA if value is None else f"{value:,.2f} {currency or '(no currency)'}"


def dollars(value: Number | None) -> str:
    """`0.15 $`; more digits below a cent, because a price of a million requests is small."""
    if value is None:
        return NO_DATA
    return f"{value:,.4f} $" if 0 < value < Decimal("0.01") else f"{value:,.2f} $"


def ratio(value: Number | None) -> str:
    """`3.01`: how many units come back for one."""
    return NO_DATA if value is None else f"{value:,.2f}"


def moment(value: datetime | None) -> str:
    """`2026-03-20 12:00`, in UTC as all moments here are."""
    return NO_DATA if value is None else f"{value:%Y-%m-%d %H:%M}"


def axis(value: float) -> str:
    """A number as short as an axis needs it: `1.2k`, `35M`."""
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{letter}"
    return f"{value:.3g}"
