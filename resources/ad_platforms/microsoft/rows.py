"""The pages of Microsoft Advertising, as records: the account here, entities and reports in files of their own."""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from resources.ad_platforms import fields
from resources.ad_platforms.fields import identity, part, text
from resources.ad_platforms.microsoft import bulk, reports
from resources.ad_platforms.microsoft.zones import IANA
from resources.ad_platforms.records import Account, MalformedPageError, Notes, Record, Stream


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The records of a page; a MalformedPageError if it cannot be read. `context`: what a report is `of`."""
    if stream is Stream.ACCOUNT:
        account = part(fields.decoded(body.read()), "Account")
        rows = fields.of_account([account], context.get("account"), lambda row: [row.get("Id")])
        return fields.records(rows, _account, notes)
    if stream.is_daily:
        return reports.read(stream.level, body, context, notes)
    return bulk.read(stream, body, context, notes)


def _account(row: Mapping[str, Any], notes: Notes) -> Account:
    del notes  # of an account's many fields few are read
    native = text(row, "TimeZone")
    if native not in IANA:
        # Days in a wrong zone would be wrong for good.
        raise MalformedPageError(f"TimeZone: {native[:64]!r} is not known")
    return Account(
        id=identity(row, "Id"),
        name=text(row, "Name", default=""),
        currency=text(row, "CurrencyCode"),
        time_zone=IANA[native],
        native_time_zone=native,
        native_status=text(row, "AccountLifeCycleStatus", default=""),
        raw=fields.raw(row),
    )
