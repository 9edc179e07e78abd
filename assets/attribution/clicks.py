"""The campaigns and ads of clicks: Google is asked for account days on which visitors came by unknown clicks.

It gives one day at a time. Only the clicks that brought a visitor here are kept, as hashes. Other platforms have no
such request. An account's failure concerns that account only: it is reported, and the others continue. What does not
belong here: matching touches (match.py).
"""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import groupby
from typing import Any, Self

from assets.ads.failure import describe
from assets.ads.sync import AdSync
from assets.apps import App
from assets.attribution.match import lock_of, rematch
from assets.attribution.touches import click_hash
from assets.progress import Progress, silent
from assets.rooms import Rooms
from resources.ad_platforms import PLATFORMS, AccountDays, Click, Client, Notes, Stream
from resources.postgres import copy_in
from resources.sql_files import read_sql

PLATFORM = "google"
# Google's own limit is 90 days of the account, which may be a day behind.
REACH = timedelta(days=88)


@dataclass
class ClickReport:
    """What a run did: account days requested, clicks kept, touches that changed, failures by connection."""

    days: int = 0
    clicks: int = 0
    touches: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class Clicks:
    """The engine. ads: Google's, for its connections and clients."""

    ads: AdSync
    progress: Progress = silent

    @classmethod
    def of(cls, rooms: Rooms, app: App, *, progress: Progress = silent) -> Self:
        """The engine over the rooms."""
        return cls(AdSync.of(rooms, app, PLATFORMS[PLATFORM]), progress)

    def run(self) -> ClickReport:
        """Request every account day that is wanted."""
        wanted = self.ads.postgres.fetch(
            read_sql("attribution/wanted_clicks.sql"),
            {"app": self.ads.app.name, "since": (self.ads.clock() - REACH).date()},
        )
        report = ClickReport()
        for connection_id, days in groupby(wanted, key=lambda row: str(row["connection_id"])):
            try:
                for day, clicks in self._of_connection(connection_id, list(days)):
                    self.keep(day, clicks, report)
                    report.days += 1
                    self.progress(report.days, len(wanted))
            except Exception as error:  # noqa: BLE001 (an account's failure must not stop the others)
                report.failed[connection_id] = str(describe(error, self.ads.platform))
        self.progress(len(wanted), len(wanted))
        return report

    def _of_connection(
        self, connection_id: str, days: list[dict[str, Any]]
    ) -> Iterator[tuple[dict[str, Any], dict[bytes, Click]]]:
        """The requested days of an account with their clicks, by hash."""
        pages = self.ads.connections.active(PLATFORM, connection=connection_id)
        for connection in next(pages, []):
            client = self.ads.client(connection)
            try:
                for day in days:
                    yield day, {click_hash(click.id): click for click in self._clicks(client, day["day"])}
            finally:
                client.close()

    def _clicks(self, client: Client, day: date) -> Iterator[Click]:
        for page in client.pages(Stream.CLICKS, AccountDays(day, day)):
            with closing(page.body):
                for record in self.ads.platform.read(Stream.CLICKS, page.body, page.context, Notes()):
                    assert isinstance(record, Click)
                    yield record

    def keep(self, day: dict[str, Any], clicks: Mapping[bytes, Click], report: ClickReport) -> None:
        """Store the clicks of an account day that brought a visitor, and match their touches."""
        app = self.ads.app
        parameters = {
            "app": app.name,
            "org_id": day["org_id"],
            "account_id": day["account_id"],
            "day": day["day"],
            "requested_at": self.ads.clock(),
        }
        with self.ads.postgres.lock(lock_of(app)) as connection:
            connection.execute(read_sql("attribution/incoming_clicks.sql"))
            rows = ((key, *_entities(day["account_id"], click)) for key, click in clicks.items())
            copy_in(connection, "pg_temp.incoming_clicks", ("click", "campaign_id", "ad_id"), rows)
            connection.execute(read_sql("attribution/changed_touches.sql"))
            report.clicks += connection.execute(read_sql("attribution/write_clicks.sql"), parameters).rowcount
            report.touches += rematch(connection, app)
            connection.execute(read_sql("attribution/record_click_day.sql"), parameters)


def _entities(account_id: str, click: Click) -> tuple[str, str]:
    """Our ids of a click's campaign and ad; '' where the ad is not known."""
    account = f"{PLATFORM}:{account_id}"
    known = click.ad_group_id and click.ad_id
    return f"{account}:{click.campaign_id}", f"{account}:{click.ad_group_id}:{click.ad_id}" if known else ""
