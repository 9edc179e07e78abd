"""The keys and values that a family wants in KV, drawn from D1 or Postgres as a stream. Nothing is compared here."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from assets.apps import CacheFamily
from assets.cache import keys
from assets.cache.delta import digest
from assets.cache.rankings import statement
from resources.d1 import D1
from resources.kv import limits
from resources.postgres import Postgres, stream
from resources.sql_files import read_sql

Row = dict[str, Any]
# A batch of values is in memory at once; a dashboard has some kilobytes.
BATCH = 200
D1_PAGE = 1_000


@dataclass(frozen=True)
class Sources:
    """What values are made of. app: the name of its rows in our Postgres. today: the last UTC day of every range.

    d1, app_postgres: the app's own databases, None where it has none. tags: only the keys of these organisations are
    wanted, of families by organisation; None for all.
    """

    app: str
    d1: D1 | None
    postgres: Postgres
    today: date
    app_postgres: Postgres | None = None
    tags: frozenset[str] | None = None


@dataclass(frozen=True)
class Family:
    """Keys that are made in the same way. `rows` gives the fields of the `key` template, `value` (JSON text), `tenant`.

    gathered: the rows of one key follow one another, and the key's value is the JSON list of theirs. personal: whether
    the registry says that the values are personal data.
    """

    name: str
    doc: str
    key: str
    reads: tuple[tuple[str, str], ...]
    rows: Callable[[Sources], Iterator[Row]]
    gathered: bool = False
    personal: bool = False

    def shown(self, key: str) -> str:
        """A key for messages and metadata. A key that names a person is shown as its template and a digest."""
        return f"{self.key} #{digest(key.encode()).hex()[:12]}" if self.personal else limits.shown(key)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A key and the value that it should hold. tenant: the organisation or user that owns it; empty for no owner."""

    key: str
    value: bytes
    tenant: str


class FamilyError(ValueError):
    """A family's statement does not give what it must; the message names the family and the column."""


def active_tags(sources: Sources, org_tags: str) -> list[str]:
    """The active tags of an app's organisations, of those that are wanted. org_tags: SQL under sql/, for its D1."""
    assert sources.d1 is not None, "an app that collects events has a D1"
    active = (row["tag"] for row in sources.d1.query(read_sql(org_tags)) if row["active"])
    return [tag for tag in active if sources.tags is None or tag in sources.tags]


def of_statement(family: CacheFamily, org_tags: str | None = None) -> Family:
    """A family whose rows one statement gives.

    In our Postgres its parameters are %(app)s, %(today)s, and where the app collects events %(tags)s: the active tags,
    which `org_tags` lists.
    """

    def from_own_postgres(sources: Sources) -> Iterator[Row]:
        assert sources.app_postgres is not None, f"cache family {family.name}: its app has no Postgres database"
        yield from streamed(sources, sources.app_postgres, {})

    def from_postgres(sources: Sources) -> Iterator[Row]:
        tags = {} if org_tags is None else {"tags": active_tags(sources, org_tags)}
        yield from streamed(sources, sources.postgres, tags)

    def streamed(sources: Sources, postgres: Postgres, more: Mapping[str, Any]) -> Iterator[Row]:
        with postgres.connection() as connection:
            params = {"app": sources.app, "today": sources.today, **more}
            for batch in stream(connection, statement(family), params, BATCH):
                yield from batch

    def from_d1(sources: Sources) -> Iterator[Row]:
        assert sources.d1 is not None, f"cache family {family.name}: its app has no D1"
        order = [*keys.fields(family.key), *family.gathered_by]
        if not order:
            yield from sources.d1.query(read_sql(family.statement))
            return
        for page in sources.d1.stream(read_sql(family.statement), order, page=D1_PAGE):
            yield from page

    rows = {"d1": from_d1, "postgres": from_postgres, "app_postgres": from_own_postgres}[family.store]
    return Family(family.name, family.doc, family.key, family.reads, rows, bool(family.gathered_by))


def draw(family: Family, sources: Sources) -> Iterator[Wanted]:
    """The wanted keys and values of a family, one key at a time.

    Raises:
        FamilyError: a row lacks a field of the key, or its value is not a text.
    """
    rows = family.rows(sources)
    if family.gathered:
        for key, together in groupby(rows, lambda row: _key(family, row)):
            yield _gathered(family, key, together)
        return
    for row in rows:
        yield Wanted(_key(family, row), _value(family, row), _tenant(row))


def _key(family: Family, row: Row) -> str:
    missing = [name for name in keys.fields(family.key) if row.get(name) is None]
    if missing:
        raise FamilyError(f"cache family {family.name}: a row has no {', '.join(missing)}")
    return keys.filled(family.key, row)


def _value(family: Family, row: Row) -> bytes:
    value = row.get("value")
    if not isinstance(value, str):
        raise FamilyError(f"cache family {family.name}: a row's value is not a JSON text")
    return value.encode()


def _tenant(row: Row) -> str:
    return str(row.get("tenant") or "")


def _gathered(family: Family, key: str, rows: Iterable[Row]) -> Wanted:
    items: list[bytes] = []
    tenants: set[str] = set()
    for row in rows:
        items.append(_value(family, row))
        tenants.add(_tenant(row))
    if len(tenants) > 1:
        raise FamilyError(f"cache family {family.name}: one key gathers the rows of several tenants")
    return Wanted(key, b"[" + b",".join(items) + b"]", tenants.pop())
