"""What makes two e-mail addresses one: the form of an address of which an index is made. Pure.

The rules are those of a browser, so that a Worker makes the same form (docs/sealing.md). A change of them would make
every index another one. What does not belong here: whether an address is one (nobody can know).
"""

import hashlib
import unicodedata

import idna

SPACE = " \t\n\v\f\r"


def normalised(address: str) -> str:
    """Without space around it, NFC, in lower case, the domain as IDNA has it. Dots and what follows a plus stay."""
    text = unicodedata.normalize("NFC", address.strip(SPACE)).lower()
    local, at, domain = text.rpartition("@")
    return f"{local}@{_ascii(domain)}" if at else text


def plain_hash(address: str) -> str:
    """The SHA-256 of an address in hex, which anybody who guesses the address can make too."""
    return hashlib.sha256(normalised(address).encode()).hexdigest()


def _ascii(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError:
        return domain
