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
from assets.privacy.erased_texts import name_erased
from assets.privacy.tombstones import Tombstones
from resources.postgres.load import Load
from resources.postgres.row_checksum import RowChecksum
from resources.sql_files import read_sql

ERASED = "[erased]"
"""Stands in place of a text; random digits after it keep two of them apart, as keys of a table need it."""
TEXTS = Identifier("pg_temp", "clearlift_erased_texts")
_TYPES = {"text", "character varying"}


def remove_texts(load: Load, entry: Holding, people: Tombstones, checksum: RowChecksum) -> int:
    """Replace the texts of a table that name erased people; how many rows went instead, where the entry has nothing by
    which rows are people's but such a text.
    """
    goes, gone = entry.erasure == "delete" and not entry.subjects and not entry.hashed, 0
    for column in _texts(load, entry):
        if not _found(load, entry.name, column, people):
            continue
        same = SQL("child.{} = erased.was and {} is not distinct from erased.tenant").format(
            Identifier(column), _tenant(load, entry.name)
        )
        condition = SQL("exists (select from {} erased where {})").format(TEXTS, same)
        if goes:
            gone += delete(load, entry.name, condition, checksum)
        else:
            now = SQL("{} = (select erased.now from {} erased where {})").format(Identifier(column), TEXTS, same)
            change(load, entry.name, now, condition, checksum)
    return gone


def _found(load: Load, name: str, column: str, people: Tombstones) -> bool:
    """Whether texts of a column name erased people: these are put aside, so that no statement has them."""
    texts = SQL("select distinct child.{} as text, {} as tenant from {} child where child.{} is not null").format(
        Identifier(column), _tenant(load, name), load.tables[name].identifier, Identifier(column)
    )
    rows = load.connection.execute(texts).fetchall()
    found = [row for row in rows if name_erased(row["text"], people, row["tenant"])]
    if not found:
        return False
    load.connection.execute(SQL("drop table if exists {}").format(TEXTS))
    load.connection.execute(SQL("create temp table {} (was text, tenant text, now text)").format(TEXTS))
    insert = SQL("insert into {} values (%s, %s, %s)").format(TEXTS)
    with load.connection.cursor() as cursor:
        cursor.executemany(insert, [(r["text"], r["tenant"], f"{ERASED} {secrets.token_hex(6)}") for r in found])
    return True


def _texts(load: Load, entry: Holding) -> Iterator[str]:
    """The columns of a table that hold texts in which people leave traces."""
    named = {*entry.personal.split(), *entry.traces.split()}
    for row in load.connection.execute(read_sql("privacy/shapes.sql")).fetchall():
        if row["table"] == entry.name and row["column"] in named and row["type"] in _TYPES:
            yield row["column"]


def _tenant(load: Load, name: str) -> Composable:
    """Whose organisation's a row is; null where the table does not say it."""
    columns = load.tables[name].columns
    return next(
        (SQL("child.{}").format(Identifier(c)) for c in ORGANISATION_COLUMNS if c in columns), SQL("null::text")
    )
