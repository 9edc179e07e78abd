"""What the room of exports brings: an export for each person who asks for it in the application.

What belongs here: the job and what asks for it. What does not: the asset itself.
"""

import hashlib
from collections.abc import Iterator
from datetime import timedelta

from assets.apps import App
from assets.capability import Capability, Job, Request, Site, Watch, assets_of
from assets.erasure.health import untaken
from assets.export import assets, requested
from assets.privacy.requests_table import has_requests


def bring(app: App, site: Site) -> Capability:
    """For apps in which people can ask."""
    if not has_requests(app):
        return Capability()
    return Capability(
        assets.build(app),
        [
            Job(
                "export_requests",
                assets_of(app, assets.EXPORTS),
                "Make the exports that people asked for in the application.",
                timedelta(hours=6),
            )
        ],
        [],
        [
            Watch(
                "export_requests",
                ("export_requests",),
                "Makes exports that people asked for in the application, and empties URLs that have expired.",
                lambda _: _asked_for(app, site),
            )
        ],
        untaken(app, site, "export", f"clearlift job export_requests --app {app.name}"),
    )


def _asked_for(app: App, site: Site) -> Iterator[Request | str]:
    due = requested.due(site.rooms, app)
    if due:
        yield Request("exports", state=hashlib.sha256(" ".join(due).encode()).hexdigest()[:16])
    else:
        yield "Nobody waits for an export."
