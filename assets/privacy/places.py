"""Places of the registry in SQL: the entry of a live table, and the value of an id's place.

What belongs here: what every reader of these places needs. What does not: statements.
"""

from fnmatch import fnmatchcase

from psycopg.sql import SQL, Composable, Identifier, Literal

from assets.apps import App
from assets.apps.lifecycle import Store
from assets.apps.personal import Holding
from resources.d1.names import quoted

ASIDE = "_restored"
"""The end of the name of a copy that a restore made aside."""


def entry_of(app: App, store: Store, table: str) -> Holding | None:
    """The entry of a table, of a partition of a series, or of a copy of either; None where none names it."""
    name = table.removesuffix(ASIDE)
    return next((h for h in app.holdings if h.store == store and fnmatchcase(name, h.name)), None)


def in_d1(place: str) -> str:
    """The SQL of a column, or of a field where the column holds JSON."""
    name, _, field = place.partition(".")
    if not field:
        return quoted(name)
    return f"case when json_valid({quoted(name)}) then json_extract({quoted(name)}, '$.{field}') end"


def in_postgres(place: str) -> Composable:
    """The same in Postgres, as a text."""
    column, _, path = place.partition(".")
    if not path:
        return SQL("{}::text").format(Identifier(column))
    return SQL("{}::jsonb #>> {}").format(Identifier(column), Literal(path.split(".")))
