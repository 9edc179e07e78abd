"""The organisations whose sites measure people.

What does not belong here: what is searched for (needles.py), and where (certify.py).
"""

from assets.apps import App
from assets.rooms import Rooms
from resources.sql_files import read_sql


def tenants(rooms: Rooms, app: App) -> set[str]:
    """The tags of the organisations whose sites measure people: the hash of a visitor is made with one of them."""
    if app.audience is None:
        return set()
    counted = rooms.postgres.fetch(read_sql("search/tenants.sql"), {"app": app.name})
    known = rooms.d1(app).query(read_sql(app.audience.org_tags))
    return {row["org_tag"] for row in counted} | {row["tag"] for row in known}
