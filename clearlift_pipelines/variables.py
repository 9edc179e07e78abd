"""How the variables of the settings are named."""

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
