"""The families of an app: those that its entry lists, and the dashboards of an audience that need code."""

from dataclasses import replace

from assets.apps import App
from assets.cache.dashboards import SUMMARY
from assets.cache.wanted import Family, of_statement


def families(app: App) -> tuple[Family, ...]:
    """Every family that is kept warm in the app's namespace."""
    dashboards = (SUMMARY,) if app.audience is not None else ()
    wanted = dashboards + tuple(of_statement(family) for family in app.cache)
    return tuple(replace(family, personal=bool(app.holding("kv", family.name).personal)) for family in wanted)
