"""Asking KV for the values of one organisation's dashboard.

What does not belong here: what the values hold (values.py).
"""

from datetime import datetime

import msgspec

from assets.apps import App
from assets.cache import keys
from assets.cache.families import families
from assets.page.values import KINDS, Served
from resources.kv import KV
from resources.postgres import Postgres
from resources.sql_files import read_sql

RANGES = ("1d", "7d", "30d", "90d")
USUAL = "7d"


def read(app: App, kv: KV, org_tag: str, range_: str, now: datetime) -> Served:
    """Ask KV for every key of the dashboard at once."""
    row = {"org_tag": org_tag, "range": range_}
    named = {family.name: family.key for family in families(app) if family.name in KINDS}
    wanted = {name: keys.filled(key, row) for name, key in named.items() if set(keys.fields(key)) <= row.keys()}
    found = kv.get_many(wanted.values())
    values: dict[str, object] = {}
    faults: dict[str, str] = {}
    for name, key in wanted.items():
        if key not in found:
            faults[name] = f"KV has no key {key}"
            continue
        try:
            values[name] = msgspec.json.decode(found[key], type=KINDS[name])
        except msgspec.MsgspecError:
            faults[name] = f"the value of {key} has another form"
    return Served(app.name, org_tag, range_, now, values, faults)


def has_dashboards(app: App) -> bool:
    """Whether an app's cache has dashboards of organisations."""
    return app.audience is not None and any(family.name == "summary" for family in families(app))


def organisations(postgres: Postgres, app: App) -> list[str]:
    """The tags of those whose summary is in KV, by the index."""
    rows = postgres.fetch(read_sql("page/organisations_served.sql"), {"app": app.name, "family": "summary"})
    return [row["org_tag"] for row in rows]
