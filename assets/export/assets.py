"""The exports that people asked for in the application, as an asset. The work is in requested.py."""

from dagster import AssetsDefinition, MaterializeResult, ResourceParam

from assets.apps import App
from assets.description import app_asset
from assets.erasure.exports import PREFIX
from assets.export.requested import LIFETIME, answer
from assets.rooms import Rooms

EXPORTS = ("privacy", "exports")


def build(app: App) -> list[AssetsDefinition]:
    """The asset of an app in which people can ask."""

    @app_asset(
        app,
        *EXPORTS,
        store="r2",
        holds=[("r2", PREFIX)],
        kinds={"python", "cloudflare"},
        description=(
            f"All that is held of people who asked for it, a ZIP each under {PREFIX}{app.name}/. The application's"
            f" table export_requests gets a URL that reads it for {LIFETIME.days} days."
        ),
        pool="postgres",
    )
    def exports(rooms: ResourceParam[Rooms]) -> MaterializeResult[None]:
        done = answer(rooms, app)
        return MaterializeResult(
            metadata={
                "made": done.made,
                "answered with one that was there": done.repeated,
                "refused": done.refused,
                "expired": done.expired,
            }
        )

    return [exports]
