"""Which place a store's settings lead to, so that two stores in one place are refused.

What belongs here: which ways of writing an address are the same. What does not: a second name of a server, which only
its migrations show (resources/migrations/postgres.py).
"""

import re
from collections.abc import Iterable, Mapping

LOOPBACK = {"", "localhost", "127.0.0.1", "::1"}
# A project of Supabase by its own name, and by the pooler that all projects of a region share.
DIRECT, POOLED, POOLED_USER = re.compile(r"db\.(\w+)\.supabase\.\w+"), ".pooler.supabase.", re.compile(r"\w+\.(\w+)")


def database(dsn: str) -> tuple[str, ...]:
    """Server and database of a connection string; nothing of one that cannot be read: its user finds that."""
    from psycopg import ProgrammingError
    from psycopg.conninfo import conninfo_to_dict

    scheme, separator, rest = dsn.partition("://")
    try:
        parts = conninfo_to_dict(f"{scheme.partition('+')[0]}{separator}{rest}")
    except ProgrammingError:
        return ()
    user, host = str(parts.get("user") or ""), str(parts.get("host") or parts.get("hostaddr") or "").lower()
    name = str(parts.get("dbname") or user)
    if direct := DIRECT.fullmatch(host):
        return "supabase", direct[1], name
    if POOLED in host and (pooled := POOLED_USER.fullmatch(user)):
        return "supabase", pooled[1], name
    return "loopback" if host in LOOPBACK else host, str(parts.get("port") or 5432), name


def shared(places: Iterable[tuple[str, tuple[str, ...]]]) -> tuple[str, str] | None:
    """The first two variables that lead to one place, of variables with their places."""
    seen: dict[tuple[str, ...], str] = {}
    for variable, place in places:
        if place and place in seen:
            return seen[place], variable
        seen[place] = variable
    return None


def identifiers(family: str, given: Mapping[str, str]) -> list[tuple[str, tuple[str, ...]]]:
    """The places of ids of Cloudflare, by their variables; capitals make no other id."""
    return [(f"{family}__{app}".upper(), (value.strip().lower(),)) for app, value in given.items()]
