"""Whether sealed fields of a restored D1 open: without their keys a restore is worth less than it looks.

What belongs here: a sample of an app's sealed fields. What does not: the keys themselves (keys.py).
"""

from string import Template

from assets.apps import App
from resources.d1 import D1
from resources.keyring import Keyring
from resources.sql_files import read_sql

SAMPLE = 20
HAS_COLUMN = "select 1 as one from pragma_table_info(?) where name = ?"


def opened(app: App, d1: D1, keyring: Keyring) -> int:
    """How many sealed fields of a sample of each sealed column were opened; 0 where nothing is sealed.

    Raises:
        SealError: one does not open; the text names its table and column.
    """
    found = 0
    for entry in app.personal:
        for rule in entry.sealed if entry.store == "d1" else ():
            if not d1.query(HAS_COLUMN, [entry.name, rule.into]):
                continue  # a set from before the column
            statement = read_sql("backups/d1/sealed.sql")
            columns = {"row": rule.row, "sealed": rule.into, "table": entry.name}
            rows = d1.query(Template(statement).substitute(columns), [SAMPLE])
            pairs = [(str(row["id"]), row["sealed"]) for row in rows]
            found += len(keyring.open_texts(pairs, table=entry.name, column=rule.into))
    return found
