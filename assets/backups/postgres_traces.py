"""Texts of restored rows that name people who were erased: a path, the key of an object, the name of a campaign.

They stand in rows of others, which stay with another text. What belongs here: finding and replacing them in an open
load. What does not: which parts of a text may be an id (privacy/erased_texts.py).
"""

import secrets
from collections.abc import Iterator

from psycopg.sql import SQL, Composable, Identifier

from assets.apps.personal import Holding
from assets.apps.pipelines import ORGANISATION_COLUMNS
from assets.backups.loaded_rows import change, delete
from assets.privacy.erased_texts import NamedPeople
from resources.postgres.load import Load
from resources.postgres.row_checksum import RowChecksum
from resources.sql_files import read_sql

ERASED = "[erased]"
"""Stands in place of a text; random digits after it keep two of them apart, as keys of a table need it."""
TEXTS = ("text", "character varying", "jsonb")
"""The types of columns that hold texts."""
_ASIDE = Identifier("pg_temp", "clearlift_erased_texts")


def remove_texts(load: Load, entry: Holding, people: NamedPeople, checksum: RowChecksum) -> int:
    """Replace the texts of a table that name erased people; how many rows went instead, where the entry has nothing by
    which rows are people's but such a text.
    """
    goes, gone = entry.erasure == "delete" and not entry.subjects and not entry.hashed, 0
    for column, type_ in _texts(load, entry):
        if not _found(load, entry.name, column, type_, people):
            continue
        same = SQL("child.{}::text = erased.was and {} is not distinct from erased.tenant").format(
            Identifier(column), _tenant(load, entry.name)
        )
        condition = SQL("exists (select from {} erased where {})").format(_ASIDE, same)
        if goes:
            gone += delete(load, entry.name, condition, checksum)
        else:
            now = SQL("{} = (select erased.now::{} from {} erased where {})").format(
                Identifier(column), SQL(type_), _ASIDE, same
            )
            change(load, entry.name, now, condition, checksum)
    return gone


def without(text: str, type_: str) -> str:
    """What takes the place of a text of a column of this type: JSON stays an object or an array, and is empty."""
    if type_ == "jsonb":
        return {"{": "{}", "[": "[]"}.get(text[:1], f'"{ERASED}"')
    return f"{ERASED} {secrets.token_hex(6)}"


def _found(load: Load, name: str, column: str, type_: str, people: NamedPeople) -> bool:
    """Whether texts of a column name erased people: these are put aside, so that no statement has them."""
    texts = SQL("select distinct child.{}::text as text, {} as tenant from {} child where child.{} is not null").format(
        Identifier(column), _tenant(load, name), load.tables[name].identifier, Identifier(column)
    )
    rows = load.connection.execute(texts).fetchall()
    found = [row for row in rows if people.are_in(row["text"], row["tenant"])]
    if not found:
        return False
    load.connection.execute(SQL("drop table if exists {}").format(_ASIDE))
    load.connection.execute(SQL("create temp table {} (was text, tenant text, now text)").format(_ASIDE))
    insert = SQL("insert into {} values (%s, %s, %s)").format(_ASIDE)
    with load.connection.cursor() as cursor:
        cursor.executemany(insert, [(r["text"], r["tenant"], without(r["text"], type_)) for r in found])
    return True


def _texts(load: Load, entry: Holding) -> Iterator[tuple[str, str]]:
    """The columns of a table that hold texts in which people leave traces, with their types."""
    named = {*entry.personal.split(), *entry.traces.split()}
    for row in load.connection.execute(read_sql("privacy/shapes.sql")).fetchall():
        if row["table"] == entry.name and row["column"] in named and row["type"] in TEXTS and not row["generated"]:
            yield row["column"], row["type"]


def _tenant(load: Load, name: str) -> Composable:
    """Whose organisation's a row is; null where the table does not say it."""
    columns = load.tables[name].columns
    return next(
        (SQL("child.{}").format(Identifier(c)) for c in ORGANISATION_COLUMNS if c in columns), SQL("null::text")
    )
