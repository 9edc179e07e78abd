"""Messaging accounts as an asset: what their owners must do. The rules are in messaging.py."""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetsDefinition,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)

from assets.apps import App, Growth
from assets.description import app_asset, table
from assets.growth.messaging import to_do
from assets.rooms import Rooms
from resources.sql_files import read_sql

# So many are listed; `all` says how many there are.
LISTED = 200


def build(app: App, growth: Growth) -> list[AssetsDefinition]:
    """The messaging accounts of an app."""
    return [_accounts(app, growth)]


def _accounts(app: App, growth: Growth) -> AssetsDefinition:
    @app_asset(
        app,
        "messaging",
        "accounts",
        store="postgres",
        # Of these tables it shows ids, states and times alone.
        holds=[("app_postgres", growth.accounts), ("app_postgres", growth.templates)],
        kinds={"postgres"},
        description=(
            "Messaging accounts and their templates, with what their owners must do: tokens that expired or soon will, "
            "templates that were rejected or paused. An account is named by its id."
        ),
        metadata={"dagster/table_name": growth.accounts},
        pool="postgres",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=30), warn_window=timedelta(hours=26)),
        checks={"nothing_to_do": "No owner of an account must do anything."},
    )
    def accounts(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        with rooms.app_postgres(app).connection(one_moment=True) as connection:
            of_accounts = connection.execute(read_sql(f"{growth.statements}/accounts.sql")).fetchall()
            of_templates = connection.execute(read_sql(f"{growth.statements}/templates.sql")).fetchall()
        found = to_do(of_accounts, of_templates, rooms.clock())
        yield MaterializeResult(
            metadata={
                "accounts": len(of_accounts),
                "broken": sum(todo.broken for todo in found),
                "all": len(found),
                "to_do": table([asdict(todo) for todo in found[:LISTED]]),
            },
            check_results=[
                AssetCheckResult(
                    check_name="nothing_to_do",
                    passed=not found,
                    severity=AssetCheckSeverity.WARN,
                    description=f"{len(found):,} to do, the first: {found[0].what}." if found else None,
                    metadata={"all": len(found)},
                )
            ],
        )

    return accounts
