"""A small fifth platform: postcards. All that a platform is, is its folder and its `PLATFORM`."""

import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

import requests

from resources.ad_platforms import (
    Account,
    AccountDays,
    Campaign,
    Conversion,
    Fact,
    Notes,
    Page,
    Platform,
    Record,
    RemoteJob,
    Status,
    Stream,
)
from resources.ad_platforms import fields as values
from resources.ad_platforms.access import Grant
from resources.ad_platforms.answers import Codes, Problem
from resources.ad_platforms.base import BaseClient, by_cursor
from resources.ad_platforms.platform import Counting
from resources.pacing import Rate

API = "https://api.postcards.example/v1"
CODES = Codes(throttled=frozenset({"slow_down"}), passing=frozenset({"later"}), expired=frozenset({"stale"}))


def problem(response: requests.Response) -> Problem | None:
    """The error in an answer."""
    code = values.decoded(response.content).get("error")
    return Problem(str(code)) if code else None


class Postcards(BaseClient):
    """A client of one account."""

    title = "Postcards"
    classify = CODES.classify(problem)

    def _account(self) -> Iterator[Page]:
        return self._pages("account", {})

    def _list(self, stream: Stream) -> Iterator[Page]:
        return self._pages(stream.value, {})

    def _report(self, stream: Stream, days: AccountDays, remote: RemoteJob) -> Iterator[Page]:
        del remote
        return self._pages(stream.value, {"since": f"{days.since}", "until": f"{days.until}"})

    def _pages(self, path: str, query: dict[str, str]) -> Iterator[Page]:
        def page(cursor: str) -> tuple[Page, str]:
            content = self._ask("GET", f"{API}/{path}", params={**query, "after": cursor}).content
            return Page(io.BytesIO(content)), str(json.loads(content).get("next", ""))

        return by_cursor(page)

    def _headers(self) -> Mapping[str, str]:
        return {"X-Token": self._tokens.current, "X-App": self._access.of_app("key")}

    def _refreshed(self, refresh_token: str) -> Grant:
        return Grant(f"{refresh_token}-again")


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The records of a page."""
    del context
    rows = values.rows(values.decoded(body.read()), "rows")
    return values.record_lists(rows, {Stream.ACCOUNT: _account, Stream.CAMPAIGNS: _campaign}.get(stream, _day), notes)


def _account(row: Mapping[str, Any], _: Notes) -> list[Record]:
    return [Account(row["id"], "Cards", "EUR", "Europe/Rome", "Rome", "open", values.raw(row))]


def _campaign(row: Mapping[str, Any], notes: Notes) -> list[Record]:
    values.note_unknown(notes, "campaign.", row, frozenset({"id", "state"}))
    return [Campaign(row["id"], f"card {row['id']}", row["state"], row["state"] == "torn", raw=values.raw(row))]


def _day(row: Mapping[str, Any], _: Notes) -> list[Record]:
    day, sent, sold = values.day(row["day"], "day"), values.whole(row, "sent"), values.number(row["sold"], "sold")
    fact = Fact(day, row["id"], "", "", "", sent, 0, values.number(row["stamps"], "stamps"), sold, sold * 2, {})
    return [fact, Conversion(day, row["id"], "", "", "", "sale", "", "default", sold, sold * 2)]


PLATFORM = Platform(
    name="postcards",
    title="Postcards",
    open=Postcards,
    read=read,
    streams=frozenset({Stream.ACCOUNT, Stream.CAMPAIGNS, Stream.CAMPAIGN_DAYS}),
    longest_days=10,
    account_rate=Rate(1_000, 1_000),
    app_rate=Rate(1_000, 1_000),
    credentials=("key",),
    statuses={"posted": Status.ACTIVE, "torn": Status.ENDED},
    account_statuses={"open": Status.ACTIVE},
    account_codes=frozenset({"stranger"}),
    counting=Counting(says="Cards that sold something."),
)
