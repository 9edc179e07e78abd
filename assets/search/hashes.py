"""Hashes without a key that stores hold of an id: who has the id computes them, so they are searched for too. Pure.

What belongs here: which hashes of an id there are. What does not: hashes under a key, which lead to nobody.
"""

import hashlib
from collections.abc import Iterable, Iterator

import polars as pl

from assets.rollups.murmur import hash64


def of_person(kind: str, subject: str, tenants: Iterable[str]) -> Iterator[bytes]:
    """The hashes of one id, as raw bytes. tenants: the tags of the organisations whose sites measure people."""
    yield hashlib.sha256(f"{kind}:{subject}".encode()).digest()
    yield hash64(pl.Series([subject], dtype=pl.String)).astype("<u8").tobytes()
    yield from (of_visitor(subject, tenant) for tenant in tenants)


def of_visitor(subject: str, tenant: str) -> bytes:
    """The hash by which our Postgres knows a visitor of an organisation's site."""
    return hashlib.blake2b(f"{tenant}\0{subject}".encode(), digest_size=16).digest()


def of_text(text: str) -> Iterator[bytes]:
    """The hashes of what is no id, such as an e-mail address."""
    for form in dict.fromkeys((text, text.strip().lower())):
        yield hashlib.sha256(form.encode()).digest()
