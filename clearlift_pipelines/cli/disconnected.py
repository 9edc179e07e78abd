"""`clearlift disconnected`: ad accounts that no connection of their organisation names, and their removal.

What does not belong here: how they are found and what goes (assets/ads/disconnected.py).
"""

import click

from assets.apps import APPS
from clearlift_pipelines.cli.tables import Columns, printed
from clearlift_pipelines.cli.terminal import terminal

ACCOUNTS = Columns(
    "accounts",
    "disconnected",
    {
        **{name: name for name in ("app", "organisation", "platform", "account", "campaigns", "days")},
        "of_another": "connected by another",
    },
)


@click.command()
@click.option("--dry-run/--no-dry-run", default=True, help="Only show them, or remove them. [default: only show]")
@printed
def disconnected(dry_run: bool) -> None:
    """Show ad accounts that no connection of their organisation names any more, or remove what is stored of them.

    Example: clearlift disconnected --no-dry-run
    """
    from assets.ads.connections import Connections
    from assets.ads.disconnected import DisconnectedAccounts
    from assets.ads.staging import Staging

    shown = ACCOUNTS.table()
    with terminal() as opened:
        stores = opened.stores
        stores.prepare()
        for app in APPS:
            if app.ad_accounts is None:
                continue
            accounts = DisconnectedAccounts(
                app,
                Connections(app.ad_accounts, stores.d1(app), stores.keyring),
                stores.postgres,
                Staging(stores.object_store, app.ad_accounts.raw),
            )
            for one in accounts.find() if dry_run else accounts.remove():
                shown.add(
                    app=app.name,
                    organisation=one.org_id,
                    platform=one.platform,
                    account=one.account_id,
                    campaigns=one.campaigns,
                    days=one.campaign_days,
                    of_another=one.is_of_another,
                )
    shown.show("Every account of which something is stored has a connection of its organisation.")
    if shown.rows:
        click.echo(
            "Nothing was removed. Next: `clearlift disconnected --no-dry-run` removes these." if dry_run else "Gone."
        )
