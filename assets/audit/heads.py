"""Heads of the audit trail in R2: the number and hash of the newest entry, once a day, each under a name of its own.

Nothing is ever put over a head, so that who rewrites the trail in Postgres cannot make its heads fit. What does not
belong here: comparing them with the trail (chain.py).
"""

import json
from collections.abc import Iterator
from datetime import date

from assets.audit.chain import Head
from resources.declined import DeclinedError
from resources.r2 import ObjectStore

PREFIX = "audit/heads"


class HeadUnreadableError(DeclinedError):
    """A head is not what was put: somebody wrote over it."""


def put(store: ObjectStore, day: date, head: Head) -> bool:
    """Write down the head of a day; False where that day has one, which stays."""
    text = json.dumps({"seq": head.seq, "hash": head.hash.hex()})
    return store.put_if_absent(f"{PREFIX}/{day:%Y-%m-%d}.json", text.encode())


def heads(store: ObjectStore) -> Iterator[Head]:
    """All heads, oldest first.

    Raises:
        HeadUnreadableError: one cannot be read as a head.
    """
    for info in store.list(PREFIX):
        try:
            found = json.loads(store.get(info.key))
            yield Head(int(found["seq"]), bytes.fromhex(found["hash"]), info.key)
        except (ValueError, KeyError, TypeError):
            raise HeadUnreadableError(
                f"{info.key} is no head of the audit trail", "find out who wrote it; copy it aside and delete it"
            ) from None


def day_of(head: Head) -> str:
    """The day of a head, as YYYY-MM-DD."""
    return head.name.rpartition("/")[2].removesuffix(".json")
