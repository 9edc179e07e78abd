"""Whether sealed fields of a restored D1 open: without their keys a restore is worth less than it looks.

What belongs here: a sample of an app's sealed fields. What does not: the keys themselves (keys.py).
"""

from collections.abc import Iterator
from itertools import chain, islice

from assets.ads.connections import COLUMN, AdConnection, Connections, is_sealed
from assets.apps import App
from resources.ad_platforms import PLATFORMS
from resources.d1 import D1
from resources.keyring import Keyring

SAMPLE = 20


def opened(app: App, d1: D1, keyring: Keyring) -> int:
    """How many sealed fields of a sample were opened; 0 where the app seals none.

    Raises:
        SealError: one does not open; the text names its table and column.
    """
    if app.ad_accounts is None:
        return 0
    connections = Connections(app.ad_accounts, d1, keyring)
    sample = list(islice(_sealed(connections), SAMPLE))
    for connection in sample:
        keyring.open_text(connection.sealed or "", table=connections.accounts.table, column=COLUMN, row=connection.id)
    return len(sample)


def _sealed(connections: Connections) -> Iterator[AdConnection]:
    pages = chain.from_iterable(connections.active(platform) for platform in PLATFORMS)
    return filter(is_sealed, chain.from_iterable(pages))
