"""How the variables of the settings are named."""

from collections.abc import Collection

PREFIX = "CLEARLIFT_"
# Cloudflare calls R2 Data Catalog and R2 SQL so since October 2026. Both names of a setting are read.
NAMES_OF_TODAY = {
    "lake_catalog_uri": "basin_catalog_uri",
    "lake_warehouse": "basin_catalog_warehouse",
    "lake_token": "basin_catalog_token",
    "r2_sql_token": "basin_sql_token",
    "r2_sql_audits": "basin_sql_audits",
    "r2_sql_counts": "basin_sql_counts",
    "r2_sql_url": "basin_sql_url",
}


def variable_of(field: str, app: str = "") -> str:
    """The variable of a field; of an app's own value, where the field has one for each."""
    return f"{PREFIX}{field}{'__' if app else ''}{app}".upper()


TWO_NAMED = frozenset(variable_of(field) for pair in NAMES_OF_TODAY.items() for field in pair)
"""The variables of settings that have two."""


def named(field: str, given: Collection[str]) -> str:
    """The variable of a field for somebody who set these: who uses Cloudflare's names of today is told by them."""
    old = variable_of(field)
    if field not in NAMES_OF_TODAY or old in given:
        return old
    by_today = any(variable_of(today) in given for today in NAMES_OF_TODAY.values())
    return variable_of(NAMES_OF_TODAY[field]) if by_today else old


def as_given(text: str, given: Collection[str]) -> str:
    """A text that names variables, for somebody who set these."""
    for field in NAMES_OF_TODAY:
        text = text.replace(variable_of(field), named(field, given))
    return text
