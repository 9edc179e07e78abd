"""What the clients send: every request of every stream, as the sandbox received it."""

from collections.abc import Iterator, Mapping
from datetime import date

import pytest

from resources.ad_platforms import PLATFORMS as ALL
from resources.ad_platforms import Access, AccountDays, Stream
from resources.pacing import Pacing
from sandbox.exchange import Request, Response
from sandbox.faults import Fault
from sandbox.server import Sandbox
from sandbox.world.entities import PLATFORMS, Platform
from tests.resources.ad_platforms.conftest import NOW, SIZE

SHORT = AccountDays(date(2026, 11, 17), date(2026, 11, 19))
LONG = AccountDays(date(2026, 10, 24), date(2026, 11, 20))


class RecordingSandbox(Sandbox):
    """A sandbox that keeps the requests."""

    def answer(self, request: Request) -> tuple[Response | None, Fault | None]:
        self.requests.append(request)
        return super().answer(request)

    requests: list[Request]


def _ask_everything(sandbox: RecordingSandbox, name: Platform) -> list[Request]:
    sandbox.requests = []
    account = sandbox.world.accounts(name)[0].id
    document = sandbox.credentials(name, account)
    pacing = Pacing(ALL[name].account_rate, sleep=lambda _: None)
    access = Access(
        account,
        document["oauth"],
        document["app"],
        store=lambda _: None,
        pacing=pacing,
        clock=sandbox.clock,
        origin=sandbox.origin,
        options={"engaged_view_window": "1"} if ALL[name].windows else {},
        sleep=lambda _: None,
    )
    client = ALL[name].open(access)
    try:
        for stream in ALL[name].streams:
            days = [AccountDays(SHORT.since, SHORT.since)] if stream is Stream.CLICKS else [None]
            for asked in [SHORT, LONG] if stream.is_daily else days:
                for page in client.pages(stream, asked):
                    page.body.close()
    finally:
        client.close()
    return sandbox.requests


@pytest.fixture(scope="session")
def sent() -> Iterator[Mapping[str, list[Request]]]:
    """The requests by platform."""
    sandbox = RecordingSandbox(7, lambda: NOW, size=SIZE)
    with sandbox:
        yield {name: _ask_everything(sandbox, name) for name in PLATFORMS}
