"""What landed, ingested without a job, so that the tests of intake need no Dagster."""

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events.ingest import Ingest
from assets.events.ledger import IngestLedger
from assets.windows import midnight
from tests.clearlift_pipelines.cli.terminal import Terminal


def ingest(terminal: Terminal) -> None:
    """Take in what landed, of the whole landing zone."""
    earliest = midnight(terminal.stores.settings.partitions_start)
    Ingest.of(terminal.stores, CLEARLIFT, earliest).run(sweep=True)


def totals(terminal: Terminal) -> dict[str, int]:
    """What became of all lines."""
    return IngestLedger(terminal.stores.postgres, CLEARLIFT.name).totals()
