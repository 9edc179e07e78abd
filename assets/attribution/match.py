"""Finding the campaign of touches, inside Postgres, and marking the days whose credits may change with it.

Everything that changes the attribution of an app happens under one lock: what marks a day has seen every conversion,
and what credits it has seen every touch. What does not belong here: which touches are matched.
"""

from assets.apps import App
from assets.attribution.rules import DEFAULT
from resources.postgres import Connection
from resources.sql_files import read_sql


def lock_of(app: App) -> str:
    """The name of the lock."""
    return f"{app.name}.attribution"


def rematch(connection: Connection, app: App) -> int:
    """Match the touches in the temporary table `rematched` again and mark days; returns how many touches changed.

    Touches that the transaction changed otherwise are in the temporary table `changed_touches` already.
    """
    changed = connection.execute(read_sql("attribution/match.sql"), {"app": app.name}).rowcount
    # Nothing else analyzes a temporary table, and without statistics the planner may compare each row with each.
    connection.execute("analyze changed_touches")
    parameters = {"app": app.name, "default_days": DEFAULT.window_days}
    connection.execute(read_sql("attribution/mark_touched.sql"), parameters)
    return changed
