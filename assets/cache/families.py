"""The families of an application: those of its entry, and the dashboards that are made by code."""

from dataclasses import replace

from assets.apps import App
from assets.cache.dashboards import SUMMARY
from assets.cache.wanted import Family, of_statement


def families(app: App) -> tuple[Family, ...]:
    """Every family that is kept warm in the application's namespace."""
    made = (SUMMARY,) if app.audience is not None else ()
    found = made + tuple(of_statement(family) for family in app.cache)
    return tuple(replace(family, personal=bool(app.holding("kv", family.name).personal)) for family in found)
