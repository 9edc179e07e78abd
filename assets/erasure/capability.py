"""What the room of erasures brings: requests taken over as they come, and carried out together once a day.

What belongs here: jobs and their times. What does not: assets themselves.
"""

from collections.abc import Iterator
from datetime import timedelta

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, Watch, assets_of
from assets.erasure import application, assets, health
from assets.privacy.requests_table import has_requests


def bring(app: App, site: Site) -> Capability:
    """For every app: each has people."""
    return Capability(
        assets.build(app, site.erasure_wait, site.kept_backups),
        [
            Job(
                "erasure_requests",
                assets_of(app, assets.REQUESTS),
                "Take over what people asked for in the application, and look at the deadlines.",
                timedelta(hours=1),
            ),
            Job(
                "erase",
                assets_of(app, assets.REQUESTS, assets.ERASURES),
                "Carry out the requests to be erased whose time has come, and prove it.",
                timedelta(hours=12),
            ),
        ],
        [
            Tick(
                "erase",
                "20 2 * * *",
                "erase",
                "Daily at 02:20: the requests to be erased whose time has come, together.",
                AfterGap.LATEST,
            )
        ],
        [
            Watch(
                "erasure_requests",
                ("erasure_requests",),
                "Takes over requests to be erased that the application put into its database.",
                lambda _: _requested(app, site),
            )
        ]
        if has_requests(app)
        else [],
        health.checks(app, site),
    )


def _requested(app: App, site: Site) -> Iterator[Request | str]:
    number = application.waiting(site.rooms, app)
    if number:
        yield Request("requests", state=str(number))
    else:
        yield "The application has no request that waits."
