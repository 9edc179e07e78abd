"""Accounts that no connection of their organisation names any more, of which the organisation still has rows.

A connection that first named a wrong account leaves such rows, and row-level security shows them to the organisation.
What belongs here: finding these accounts, and removing all that is stored of one. What does not: accounts whose
connection is inactive, because their history is the organisation's own.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from assets.ads.connections import Connections
from assets.ads.staging import Staging
from assets.apps import App
from resources.declined import DeclinedError
from resources.postgres import Postgres
from resources.sql_files import read_sql

# What refers to another table comes before it.
TABLES = (
    *("campaign_metrics_daily", "ad_group_metrics_daily", "ad_metrics_daily", "keyword_metrics_daily"),
    *("conversions_daily", "restatements", "sync_ranges", "sync_state", "sync_slices", "sync_runs"),
    *("ads", "keywords", "ad_groups", "campaigns", "campaign_names", "ad_accounts"),
)


@dataclass(frozen=True)
class DisconnectedAccount:
    """An account and the organisation that has its rows. is_of_another: another organisation has connected it."""

    org_id: str
    platform: str
    account_id: str
    is_of_another: bool
    campaigns: int
    campaign_days: int

    def __str__(self) -> str:
        return f"{self.org_id}: {self.platform} account {self.account_id}"


@dataclass(frozen=True)
class DisconnectedAccounts:
    """Finds and removes such accounts of one app."""

    app: App
    connections: Connections
    postgres: Postgres
    staging: Staging

    def find(self) -> list[DisconnectedAccount]:
        """All of them, by organisation."""
        # Rows first: a connection that comes meanwhile has none yet.
        stored = self.postgres.fetch(read_sql("ads/accounts.sql"), {"app": self.app.name})
        named = {(one.org_id, one.platform, one.account_id) for one in self.connections.named()}
        connected = {(platform, account) for _, platform, account in named}
        return [
            DisconnectedAccount(
                **row,
                is_of_another=(row["platform"], row["account_id"]) in connected,
                **self.postgres.fetch(read_sql("ads/account_rows.sql"), {"app": self.app.name, **row})[0],
            )
            for row in stored
            if (row["org_id"], row["platform"], row["account_id"]) not in named
        ]

    def remove(self) -> Iterator[DisconnectedAccount]:
        """Remove them, one at a time: first the staged pages, of which a replay would make the rows again.

        Raises:
            DeclinedError: the app has no connection at all, which is rather a D1 that was emptied.
        """
        found = self.find()
        if found and not self.connections.named():
            raise DeclinedError(
                f"{self.app.name} has no connection at all, so all that is stored would go",
                f"look whether the D1 of {self.app.name} is whole: `clearlift doctor`",
            )
        for account in found:
            self._remove(account)
            yield account

    def _remove(self, account: DisconnectedAccount) -> None:
        parameters = {
            "app": self.app.name,
            "org_id": account.org_id,
            "platform": account.platform,
            "account_id": account.account_id,
        }
        for slice_ in self.postgres.fetch(read_sql("ads/account_slices.sql"), parameters):
            self.staging.drop(slice_["raw_prefix"])
        with self.postgres.connection() as connection:
            for table in TABLES:
                connection.execute(read_sql("ads/remove_account.sql").format(table=table), parameters)
