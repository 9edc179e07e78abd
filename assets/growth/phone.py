"""What a phone number as typed is in E.164, by the country of whom it belongs to. Pure.

Only a number that is valid in its numbering plan is one: where digits are missing, the library still makes a number.
"""

from dataclasses import dataclass

import phonenumbers

LONGEST_EXTENSION = 10


@dataclass(frozen=True)
class Phone:
    """A valid number: `+` with its country's code, and the extension that was typed behind it, if any."""

    e164: str
    extension: str | None


def read(typed: str, country: str | None) -> Phone | None:
    """The number, or None where it is no valid one. Without a country (ISO 3166, two letters) it must begin with +."""
    region = country if country in phonenumbers.SUPPORTED_REGIONS else None
    try:
        number = phonenumbers.parse(typed, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    extension = number.extension or ""
    told = extension.isascii() and extension.isdigit() and len(extension) <= LONGEST_EXTENSION
    return Phone(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164), extension if told else None)
