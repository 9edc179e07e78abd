"""Whose click it was: account days on which visitors came by unknown clicks are asked of Google, a day at a time.

Of what Google tells only the clicks that brought somebody here are kept, as hashes. The other platforms have no way to
ask. An account's failure is its own: it is told, and the others go on.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from assets.ads import connections
from assets.ads.sync import AdSync, words
from assets.attribution.match import LOCK, rematch
from assets.attribution.touches import click_hash
from assets.progress import Progress, silent
from resources.ad_platforms.google import Google
from resources.postgres import copy_in
from resources.sql_files import read_sql

# Google's own limit is 90 days of the account, which may be a day behind.
REACH = timedelta(days=88)


@dataclass
class Found:
    """What asking gave: account days, clicks that were found, touches with another campaign than before, failures."""

    days: int = 0
    clicks: int = 0
    touches: int = 0
    failed: dict[str, str] = field(default_factory=dict)


@dataclass
class Clicks:
    """The engine. `ads`: that of Google, whose connections and clients are used."""

    ads: AdSync
    clock: Callable[[], datetime]
    progress: Progress = silent

    def run(self) -> Found:
        """Ask for every account day that is wanted."""
        wanted = self.ads.postgres.fetch(
            read_sql("attribution/wanted_clicks.sql"), {"since": (self.clock() - REACH).date()}
        )
        found = Found()
        for connection_id, days in groupby(wanted, key=lambda row: str(row["connection_id"])):
            try:
                for row in self._of_connection(connection_id, list(days)):
                    self.keep(*row, found)
                    found.days += 1
                    self.progress(found.days, len(wanted))
            except Exception as error:  # noqa: BLE001 (an account's failure is its own, whatever it is)
                found.failed[connection_id] = words(error)[1]
        self.progress(len(wanted), len(wanted))
        return found

    def _of_connection(
        self, connection_id: str, days: list[dict[str, Any]]
    ) -> Iterator[tuple[dict[str, Any], dict[bytes, str]]]:
        """The asked days of an account with their clicks: hash to campaign."""
        pages = connections.active(self.ads.d1, "google", connection=connection_id)
        for connection in next(pages, []):
            client = self.ads.client(connection)
            assert isinstance(client, Google)  # the engine is Google's
            try:
                for day in days:
                    yield day, {click_hash(each.id): each.campaign_id for each in client.clicks(day["day"])}
            finally:
                client.close()

    def keep(self, day: dict[str, Any], clicks: dict[bytes, str], found: Found) -> None:
        """Keep what an account's day told of, and match the touches that it knows."""
        of = {"org_id": day["org_id"], "account_id": day["account_id"], "day": day["day"], "asked_at": self.clock()}
        with self.ads.postgres.lock(LOCK) as connection:
            connection.execute(read_sql("attribution/incoming_clicks.sql"))
            rows = ((click, f"google:{day['account_id']}:{campaign}") for click, campaign in clicks.items())
            copy_in(connection, "pg_temp.incoming_clicks", ("click", "campaign_id"), rows)
            connection.execute(read_sql("attribution/changed_touches.sql"))
            found.clicks += connection.execute(read_sql("attribution/write_clicks.sql"), of).rowcount
            found.touches += rematch(connection)
            connection.execute(read_sql("attribution/record_click_day.sql"), of)
