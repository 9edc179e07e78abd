"""A statement of a migration that failed: which store, file and statement, without a value that it holds.

What does not belong here: files that cannot be migrations, and refused ways down (plan.py).
"""

import re
from typing import Literal

from resources.migrations.plan import Migration
from resources.redaction import redact

COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
LITERAL = re.compile(r"'(?:[^']|'')*'")
HEAD = 80


class FailedMigrationError(RuntimeError):
    """A statement of a migration failed. Its transaction was rolled back, so the store is as it was before."""


def failed(
    store: str,
    migration: Migration,
    direction: Literal["up", "down"],
    *,
    statement: str,
    place: tuple[int, int],
    reason: str,
) -> FailedMigrationError:
    """The error of one statement. place: its number, and how many the file has. reason: the store's own message."""
    number, of = place
    where = (
        f"{store}: sql/{migration.folder}/{migration}.{direction}.sql, statement {number} of {of} ({head(statement)})"
    )
    return FailedMigrationError(f"{where} failed: {redact(reason)}. The store is as it was before this migration.")


def head(statement: str) -> str:
    """The start of a statement on one line, without comments, with `…` in the place of each literal."""
    text = " ".join(LITERAL.sub("'…'", COMMENT.sub(" ", statement)).split())
    return text if len(text) <= HEAD else f"{text[:HEAD]} …"
