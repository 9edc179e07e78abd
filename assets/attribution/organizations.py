"""Data tags, their organisations and rules: read from the app's D1, and mirrored in Postgres to be joined.

What does not belong here: what a rule may say (rules.py).
"""

import json
from dataclasses import dataclass

from assets.apps import App
from assets.attribution.match import rematch
from assets.attribution.rules import DEFAULT, AttributionRules, holdable, rules
from resources.d1 import D1
from resources.postgres import Connection
from resources.sql_files import read_sql


@dataclass(frozen=True)
class Organisation:
    """A data tag, its organisation's id and rules. wrong: what of the organisation's settings cannot be used."""

    tag: str
    id: str
    rules: AttributionRules
    wrong: tuple[str, ...]


def read(d1: D1, statement: str) -> list[Organisation]:
    """All organisations by tag. statement: the SQL that `AdAccounts.rules` names."""
    organisations = []
    for rows in d1.stream(statement, "org_tag"):
        for row in rows:
            own, wrong = rules(row["attribution"])
            if not holdable(row["org_tag"] + row["org_id"]):
                wrong = ["its tag or id holds what no event and no table can: it takes no part"]
            organisations.append(Organisation(row["org_tag"], row["org_id"], own, tuple(wrong)))
    return organisations


def mirror(connection: Connection, app: App, organisations: list[Organisation]) -> int:
    """Store what changed, and mark the days that it may change; returns how many tags changed."""
    rows = [
        {
            "org_tag": organisation.tag,
            "org_id": organisation.id,
            "conversion_types": list(organisation.rules.conversion_types),
            "window_days": organisation.rules.window_days,
            "sources": organisation.rules.sources,
            "join_devices": organisation.rules.join_devices,
            "refund_types": list(organisation.rules.refund_types),
            "currency": organisation.rules.currency,
            "own_hosts": list(organisation.rules.own_hosts),
        }
        for organisation in organisations
        if holdable(organisation.tag + organisation.id)
    ]
    changed = connection.execute(
        read_sql("attribution/mirror_organizations.sql"),
        {"app": app.name, "rows": json.dumps(rows), "default_types": list(DEFAULT.conversion_types)},
    ).fetchall()
    connection.execute(
        "delete from attribution.organizations where app = %s and org_tag <> all(%s)",
        (app.name, [row["org_tag"] for row in rows]),
    )
    if changed:
        parameters = {"app": app.name, "tags": [row["org_tag"] for row in changed]}
        connection.execute(read_sql("attribution/changed_touches.sql"))
        connection.execute(
            "create temporary table rematched on commit drop as"
            " select day, org_tag, visitor, session, at from attribution.touches"
            " where app = %(app)s and org_tag = any(%(tags)s)",
            parameters,
        )
        rematch(connection, app)
        connection.execute(read_sql("attribution/mark_organizations.sql"), parameters)
    return len(changed)
