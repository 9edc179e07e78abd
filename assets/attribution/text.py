"""Texts of addresses and of ad platforms in one plain form, so that both sides meet. Pure.

What does not belong here: which parameters name what (naming.py), and which campaign a text names (match.py).
"""

import hashlib
import re
import unicodedata
from html import unescape
from urllib.parse import unquote_plus

# What platforms, tools and scripts write where they have nothing to say, in one case.
_PLACEHOLDERS = frozenset(
    {"(not set)", "(not provided)", "(none)", "(direct)", "(organic)", "(referral)", "none", "null", "undefined", "nan"}
)
# A macro that was not filled: {campaignid}, {{campaign.name}}, __CAMPAIGN_NAME__.
_MACRO = re.compile(r"\{.*\}|__.+__")


def plain(text: str | None) -> str:
    """A text decoded, in NFC, with single blanks and none around; '' for a placeholder or nothing.

    A plus is a blank, because it is one in an address. Texts of both sides go through here, so that a name with a plus
    still meets itself.
    """
    if not text:
        return ""
    # An address in an address is encoded twice.
    while (decoded := unescape(unquote_plus(text))) != text:
        text = decoded
    # Postgres holds no NUL.
    text = " ".join(unicodedata.normalize("NFC", text.replace("\0", "")).split())
    return "" if text.casefold() in _PLACEHOLDERS or _MACRO.fullmatch(text) else text


def folded(text: str) -> str:
    """A plain text in one case."""
    return unicodedata.normalize("NFC", text.casefold())


def key(text: str) -> bytes | None:
    """16 bytes, the same for plain texts that differ in case alone; None for the empty text."""
    return hashlib.blake2b(folded(text).encode(), digest_size=16).digest() if text else None
