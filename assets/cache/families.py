"""The families of an app: those that its entry lists, and the dashboards of an audience that need code."""

from dataclasses import replace

from assets.apps import App
from assets.cache.dashboards import summary
from assets.cache.wanted import Family, of_statement


def families(app: App) -> tuple[Family, ...]:
    """Every family that is kept warm in the app's namespace."""
    audience = app.audience
    dashboards = (summary(audience.org_tags, audience.org_tags_table),) if audience is not None else ()
    org_tags = audience.org_tags if audience is not None else None
    wanted = dashboards + tuple(of_statement(family, org_tags) for family in app.cache)
    return tuple(replace(family, personal=bool(app.holding("kv", family.name).personal)) for family in wanted)
