"""The sample's paid clicks: which click of the sandbox's world brought which session of the sample.

Each click belongs to an account of the session's organisation and to the account's day, and brings one session. What
does not belong here: the events of the session (`sample`).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sandbox.world.entities import Account, Platform
from sandbox.world.world import World, moment

# The parameter that carries a platform's click id, and the source and medium in the addresses of its landing pages.
PARAMETERS: Mapping[Platform, str] = {
    "google": "gclid",
    "facebook": "fbclid",
    "tiktok": "ttclid",
    "microsoft": "msclkid",
}
SOURCES: Mapping[Platform, tuple[str, str]] = {
    "google": ("google", "cpc"),
    "facebook": ("facebook", "paid_social"),
    "tiktok": ("tiktok", "paid_social"),
    "microsoft": ("bing", "cpc"),
}
# The share of paid sessions, for an organisation with ad accounts.
PAID_SHARE = 0.3


@dataclass(frozen=True)
class PaidClick:
    """What the addresses of a paid session carry."""

    parameter: str
    click_id: str
    source: str
    medium: str
    campaign: str
    content: str

    @property
    def query(self) -> str:
        """The query string of its landing page."""
        tags = f"utm_source={self.source}&utm_medium={self.medium}&utm_campaign={self.campaign}"
        content = f"&utm_content={self.content}" if self.content else ""
        return f"?{tags}{content}&{self.parameter}={self.click_id}"


class PaidClicks:
    """Gives out the clicks of a world, as it shows them at `until`. `owned` has the accounts of each tag."""

    def __init__(
        self, world: World, owned: Mapping[str, Sequence[tuple[Platform, str]]], until: datetime, seed: int = 7
    ) -> None:
        self._world = world
        self._owned = {tag: [world.account(*account) for account in accounts] for tag, accounts in owned.items()}
        self._until = until
        # Separate from the generator of the events, so that the events are the same with and without clicks.
        self._chance = random.Random(f"{seed}/clicks")  # noqa: S311 (a sample, no secret)
        self._left: dict[tuple[str, str, date], list[PaidClick]] = {}

    def take(self, tag: str, at: datetime) -> PaidClick | None:
        """The click that brought a session which began `at`. None: the session is not paid."""
        accounts = self._owned.get(tag)
        if not accounts or self._chance.random() >= PAID_SHARE:
            return None
        account = self._chance.choice(accounts)
        left = self._clicks(account, moment(account, at).today)
        return left.pop() if left else None

    def _clicks(self, account: Account, day: date) -> list[PaidClick]:
        key = (account.platform, account.id, day)
        if key not in self._left:
            source, medium = SOURCES[account.platform]
            clicks = [
                PaidClick(
                    PARAMETERS[account.platform],
                    click.click_id,
                    source,
                    medium,
                    click.utm_campaign,
                    click.leaf.ad.utm_content if click.leaf.ad else "",
                )
                for click in self._world.clicks(account.platform, account.id, day, self._until)
            ]
            self._chance.shuffle(clicks)
            self._left[key] = clicks
        return self._left[key]
