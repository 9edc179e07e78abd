"""The families of an app: those that its entry lists, and the dashboards of an audience that need code."""

from assets.apps import App
from assets.cache.dashboards import SUMMARY
from assets.cache.wanted import Family, of_statement


def families(app: App) -> tuple[Family, ...]:
    """Every family that is kept warm in the app's namespace."""
    dashboards = (SUMMARY,) if app.audience is not None else ()
    return dashboards + tuple(of_statement(family) for family in app.cache)
