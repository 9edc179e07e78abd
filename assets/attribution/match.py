"""Finding the campaign of touches, inside Postgres, and marking the days whose credits that may change.

All that changes attribution happens under one lock: what marks a day has seen every conversion, what credits it every
touch. What does not belong here: which touches are looked at.
"""

from assets.attribution.rules import DEFAULT
from resources.postgres import Connection
from resources.sql_files import read_sql

LOCK = "attribution"


def rematch(connection: Connection) -> int:
    """Find the campaigns of the touches in the temporary table `rematched` anew; marks days, returns changed touches.

    Touches that the transaction changed otherwise are in the temporary table `changed_touches` already.
    """
    changed = connection.execute(read_sql("attribution/match.sql")).rowcount
    connection.execute(read_sql("attribution/mark_touched.sql"), {"default_days": DEFAULT.window_days})
    return changed


def learn_labels(connection: Connection) -> int:
    """Take in the names of campaigns that are new, and match the touches that carry them; returns changed touches."""
    connection.execute(read_sql("attribution/changed_touches.sql"))
    connection.execute(read_sql("attribution/learn_labels.sql"))
    return rematch(connection)
