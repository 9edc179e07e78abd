"""Learning the texts that name campaigns and ads, in their plain form, and matching the touches that carry them.

What does not belong here: the plain form itself (text.py), and which of several campaigns a text names (match.py).
"""

from assets.apps import App
from assets.attribution.match import rematch
from assets.attribution.text import key, plain
from resources.postgres import Connection, copy_in
from resources.sql_files import read_sql

_KINDS = {
    "labels": ("org_id", "campaign_id", "kind", "since", "until", "platform", "account_id", "text", "label", "key"),
    "ad_labels": ("org_id", "campaign_id", "ad_id", "kind", "text", "label", "key"),
}


def learn_labels(connection: Connection, app: App) -> int:
    """Store new texts of campaigns and ads, and new times of campaigns' names; how many touches changed."""
    connection.execute(read_sql("attribution/changed_touches.sql"))
    connection.execute(read_sql("attribution/incoming_labels.sql"))
    parameters = {"app": app.name}
    for table, columns in _KINDS.items():
        rows = connection.execute(read_sql(f"attribution/new_{table}.sql"), parameters).fetchall()
        if rows:
            for row in rows:
                # A text that is a placeholder, as an address template has, names nothing: no touch has its key.
                row["label"] = plain(row["text"])
                row["key"] = key(row["label"]) or b""
            copy_in(connection, f"pg_temp.incoming_{table}", columns, ([row[name] for name in columns] for row in rows))
            connection.execute(read_sql(f"attribution/write_{table}.sql"), parameters)
    return rematch(connection, app)
