"""`clearlift disconnected`: ad accounts that no connection of their organisation names, and their removal.

What does not belong here: how they are found and what goes (assets/ads/disconnected.py).
"""

import click
from rich.table import Table

from assets.apps import APPS
from clearlift_pipelines.cli.tables import show
from clearlift_pipelines.cli.terminal import terminal

COLUMNS = ("app", "organisation", "platform", "account", "campaigns", "days", "connected by another")


@click.command()
@click.option("--dry-run/--no-dry-run", default=True, help="Only show them, or remove them. [default: only show]")
def disconnected(dry_run: bool) -> None:
    """Show ad accounts that no connection of their organisation names any more, or remove what is stored of them."""
    from assets.ads.connections import Connections
    from assets.ads.disconnected import DisconnectedAccounts
    from assets.ads.staging import Staging

    shown = Table(*COLUMNS, box=None)
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
                counts = f"{one.campaigns:,}", f"{one.campaign_days:,}"
                of_another = "yes" if one.is_of_another else "no"
                shown.add_row(app.name, one.org_id, one.platform, one.account_id, *counts, of_another)
    if not shown.row_count:
        click.echo("Every account of which something is stored has a connection of its organisation.")
        return
    show(shown)
    click.echo(
        "Nothing was removed. Next: `clearlift disconnected --no-dry-run` removes these." if dry_run else "Gone."
    )
