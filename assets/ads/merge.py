"""Merging a staged slice into Postgres: COPY to a temporary table, then statements over all of its rows.

Rows, cursor, history and restatements are one transaction under the connection's lock, so that a kill leaves all or
nothing. Of two runs the one that observed later wins, because an earlier observation never overwrites a later one. What
does not belong here: asking a platform.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from assets.ads import entities, facts
from assets.ads.slices import MergeResult, Slice
from assets.ads.staging import SliceManifest, Staging
from assets.apps import App
from resources.ad_platforms import Account, MalformedPageError, OtherAccountError, Platform, Stream
from resources.postgres import Postgres

LONGEST_SECONDS = 3_600
COUNTED = ("pages", "rows", "inserted", "updated", "deleted")


@dataclass
class Merge:
    """The engine of merging for one app and platform. restatements: record how final days changed."""

    app: App
    platform: Platform
    postgres: Postgres
    staging: Staging
    clock: Callable[[], datetime]
    restatements: bool = True

    def run(self, manifest: SliceManifest) -> MergeResult:
        """Merge one complete slice.

        Raises:
            MalformedPageError: a page cannot be read; nothing was changed.
            OtherAccountError: a page is another account's; nothing was changed.
        """
        with self.postgres.lock(f"{self.app.name}.ads.{manifest.connection_id}") as connection:
            connection.execute("select set_config('statement_timeout', %s, true)", (str(LONGEST_SECONDS * 1000),))
            slice_ = Slice(self.app, self.platform, self.staging, manifest, connection, self.clock())
            if manifest.stream is Stream.ACCOUNT:
                _account(slice_)
            elif manifest.days is None:
                entities.merge(slice_)
            else:
                facts.merge(slice_, restatements=self.restatements)
            slice_.execute("advance")
            counts = {name: getattr(slice_.result, name) for name in COUNTED}
            slice_.execute("merge_slice", counts)
            return slice_.result


def _account(slice_: Slice) -> None:
    result, context = slice_.result, slice_.context
    accounts = [record for record in slice_.counted() if isinstance(record, Account)]
    if not accounts:
        raise MalformedPageError("account: the platform did not name it")
    account = accounts[0]
    if account.id != context.account_id:
        raise OtherAccountError(context.account_id, account.id)
    try:
        ZoneInfo(account.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise MalformedPageError("account: its time zone is not known") from None
    result.account, result.rows = account, 1
    status = slice_.platform.account_statuses.get(account.native_status)
    if status is None:
        result.notes[f"account status {account.native_status[:64]}"] += 1
    result.superseded = slice_.is_superseded()
    if result.superseded:
        return
    result.updated = slice_.execute(
        "write_account",
        {
            "id": f"{context.platform}:{context.account_id}",
            "name": account.name,
            "status": None if status is None else status.value,
            "native_status": account.native_status,
            "currency": account.currency,
            "time_zone": account.time_zone,
            "raw_data": account.raw,
        },
    )
    facts.recount(slice_)
