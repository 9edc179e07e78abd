"""Reading of single values of a platform's page: of the right type, or a MalformedPageError that names the field.

What does not belong here: the fields of one platform.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from resources.ad_platforms.records import MalformedPageError, Notes, OtherAccountError, Record

# The longest legal name of the four platforms is below 1,000 characters, so a page with a longer text is damaged.
LONGEST_TEXT = 65_536
NOTHING = Decimal(0)
MICRO = Decimal(1_000_000)
LARGEST = Decimal(10**12)

# Microsoft writes `1,234.50` in files.
_GROUPED = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")

_page = msgspec.json.Decoder(float_hook=Decimal)
_text = msgspec.json.Encoder(decimal_format="number")


def listed(words: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(words.split())


def decoded(body: bytes) -> Any:
    """A JSON page; its fractions are exact."""
    try:
        return _page.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedPageError("the page is not JSON") from None


def raw(row: Any) -> str:
    """A row as JSON text again, for raw_data. NUL is refused, because a Postgres text cannot have it."""
    line = _text.encode(row).decode()
    if len(line) > 16 * LONGEST_TEXT:
        raise MalformedPageError(f"a row of {len(line):,} characters")
    if "\\u0000" in line:
        raise MalformedPageError("a text holds NUL")
    return line


def rows(page: Any, name: str) -> list[Any]:
    """The list under `name`; empty if the page has no such name, or a null."""
    entries = page.get(name) if isinstance(page, dict) else ...
    if entries is None:
        return []
    if not isinstance(entries, list):
        raise MalformedPageError(f"{name}: not a list")
    return entries


def part(row: Any, name: str) -> Mapping[str, Any]:
    """The object under `name`."""
    value = row.get(name) if isinstance(row, dict) else None
    if not isinstance(value, dict):
        raise MalformedPageError(f"{name}: not an object")
    return value


def identity(row: Mapping[str, Any], name: str) -> str:
    """An id as text without blanks. An id of digits may come as a number."""
    value = row.get(name)
    if type(value) is int:
        return str(value)
    if not isinstance(value, str) or not value or len(value) > 64 or not value.isascii() or " " in value:
        raise MalformedPageError(f"{name}: not an id")
    return value


def text(row: Mapping[str, Any], name: str, *, default: str | None = None) -> str:
    """A text; `default` if it is absent or null."""
    value = row.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str):
        raise MalformedPageError(f"{name}: not a text")
    if len(value) > LONGEST_TEXT:
        raise MalformedPageError(f"{name}: {len(value):,} characters")
    if "\0" in value:
        raise MalformedPageError(f"{name}: holds NUL")
    return value


def whole(row: Mapping[str, Any], name: str) -> int:
    """A whole number of 0 or more, as a number or as digits; 0 if it is absent or null."""
    value = row.get(name)
    if value is None:
        return 0
    if type(value) is str:
        value = _ungrouped(value)
        if value.isascii() and value.isdigit() and len(value) < 19:
            return int(value)
    if type(value) is int and 0 <= value < 2**63:
        return value
    raise MalformedPageError(f"{name}: not a count")


def number(value: Any, name: str, limit: Decimal = LARGEST) -> Decimal:
    """A finite number with an absolute value below `limit`, exact; a null is 0."""
    if value is None:
        return NOTHING
    if type(value) in (str, int, Decimal):
        try:
            amount = Decimal(_ungrouped(value) if type(value) is str else value)
        except InvalidOperation:
            amount = Decimal("NaN")
        if amount.is_finite() and abs(amount) < limit:
            return amount
    raise MalformedPageError(f"{name}: not a number")


def _ungrouped(value: str) -> str:
    """The digits of a number without the commas between thousands."""
    return value.replace(",", "") if "," in value and _GROUPED.fullmatch(value) else value


def optional(row: Mapping[str, Any], name: str) -> Decimal | None:
    """A number, or None if it is absent or null."""
    return None if row.get(name) is None else number(row[name], name)


def day(value: Any, name: str) -> date:
    """A day of the form YYYY-MM-DD; text after it is ignored."""
    try:
        return date.fromisoformat(value[:10])
    except (TypeError, ValueError):
        raise MalformedPageError(f"{name}: not a day") from None


def time(value: Any, name: str) -> datetime | None:
    """A time in ISO 8601, in UTC if it has no zone; None if it is absent."""
    if value in (None, ""):
        return None
    try:
        at = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise MalformedPageError(f"{name}: not a time") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def of_account(rows: Iterable[Any], asked: str | None, named: Callable[[Any], Iterable[Any]]) -> Iterator[Any]:
    """The rows; an OtherAccountError for one that names another account than `asked`, None where that is not known.

    named: the accounts that a row names; None among them stands for no name.
    """
    for row in rows:
        if asked is not None and isinstance(row, dict):
            for account in named(row):
                if account is not None and str(account) != asked:
                    raise OtherAccountError(asked, str(account))
        yield row


def note_unknown(notes: Notes, prefix: str, row: Mapping[str, Any], known: AbstractSet[str]) -> None:
    """Count the fields that are not known: the platform has added them."""
    for name in row.keys() - known:
        notes[f"field {prefix}{name[:64]}"] += 1


def word(row: Mapping[str, Any], name: str, known: AbstractSet[str], notes: Notes) -> str:
    """A word of an enum, '' if it is absent; one that is not known is counted: the platform has added it."""
    value = text(row, name, default="")
    if value and value not in known:
        notes[f"enum {name} {value[:64]}"] += 1
    return value


def records(
    rows: Iterable[Any], read: Callable[[Mapping[str, Any], Notes], Record | None], notes: Notes
) -> Iterator[Record]:
    """The record of every row that has one; a MalformedPageError for a row of another structure."""
    for row in rows:
        try:
            record = read(row, notes)
        except (AttributeError, KeyError, TypeError, IndexError, ValueError) as error:
            raise MalformedPageError(f"a row of another form ({type(error).__name__})") from None
        if record is not None:
            yield record


def record_lists(
    rows: Iterable[Any], read: Callable[[Mapping[str, Any], Notes], Iterable[Record]], notes: Notes
) -> Iterator[Record]:
    """All records of every row; a MalformedPageError for a row of another structure."""
    for row in rows:
        try:
            found = list(read(row, notes))
        except (AttributeError, KeyError, TypeError, IndexError, ValueError) as error:
            raise MalformedPageError(f"a row of another form ({type(error).__name__})") from None
        yield from found
