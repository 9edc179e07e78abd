"""Whose tag is whose, and the rules of organisations, as D1 has them: mirrored in Postgres to be joined."""

import json
from dataclasses import dataclass

from assets.attribution.match import rematch
from assets.attribution.rules import DEFAULT, Rules, holdable, rules
from resources.d1 import D1
from resources.postgres import Connection
from resources.sql_files import read_sql


@dataclass(frozen=True)
class Organisation:
    """An organisation's tag, and what of its settings cannot be used."""

    tag: str
    id: str
    rules: Rules
    wrong: tuple[str, ...]


def read(d1: D1) -> list[Organisation]:
    """All of them, by tag."""
    found = []
    for rows in d1.stream(read_sql("attribution/organizations.sql"), "org_tag"):
        for row in rows:
            own, wrong = rules(row["attribution"])
            if not holdable(row["org_tag"] + row["org_id"]):
                wrong = ["its tag or id holds what no event and no table can: it takes no part"]
            found.append(Organisation(row["org_tag"], row["org_id"], own, tuple(wrong)))
    return found


def mirror(connection: Connection, organisations: list[Organisation]) -> int:
    """Write down what changed, and mark what it may change; returns how many tags."""
    rows = [
        {
            "org_tag": each.tag,
            "org_id": each.id,
            "conversion_types": list(each.rules.conversion_types),
            "window_days": each.rules.window_days,
        }
        for each in (each for each in organisations if holdable(each.tag + each.id))
    ]
    changed = connection.execute(
        read_sql("attribution/mirror_organizations.sql"),
        {"rows": json.dumps(rows), "default_types": list(DEFAULT.conversion_types)},
    ).fetchall()
    connection.execute(
        "delete from attribution.organizations where org_tag <> all(%s)", ([row["org_tag"] for row in rows],)
    )
    tags = {"tags": [row["org_tag"] for row in changed]}
    if changed:
        connection.execute(read_sql("attribution/changed_touches.sql"))
        connection.execute(
            "create temporary table rematched on commit drop as"
            " select day, org_tag, visitor, session from attribution.touches where org_tag = any(%(tags)s)",
            tags,
        )
        rematch(connection)
        connection.execute(read_sql("attribution/mark_organizations.sql"), tags)
    return len(changed)
