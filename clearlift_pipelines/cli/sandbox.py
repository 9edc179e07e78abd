"""`clearlift sandbox`, and where the connections of the sample lead while another command runs.

What belongs here: starting the sandbox of the ad platforms. What does not: the sandbox itself (sandbox/).
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import click

from assets.apps.clearlift import APP as CLEARLIFT
from clearlift_pipelines import settings
from clearlift_pipelines.cli.interruption import asked_to_end
from clearlift_pipelines.cli.ports import loopback_port, refuse_busy
from clearlift_pipelines.stores import Stores, utc_now
from resources.ad_platforms import PLATFORMS
from sandbox import sample_stores

PORT = 8990


@click.command()
@loopback_port(PORT)
def sandbox(port: int) -> None:
    """Serve the four ad platforms' APIs on loopback, from the sample's world, until Ctrl-C.

    Example: clearlift sandbox --port 8995
    """
    refuse_busy(port)
    ended = asked_to_end()
    with (
        Stores(settings.load()) as stores,
        sample_stores.sandbox(stores.object_store, utc_now, port) as served,
    ):
        click.echo(f"{served.origin}  serves {', '.join(platform.title for platform in PLATFORMS.values())}")
        click.echo(f"Syncs use it with CLEARLIFT_AD_ORIGIN={served.origin}")
        click.echo(f"Its world: GET {served.origin}/_sandbox/world; faults: POST {served.origin}/_sandbox/faults")
        while not ended.wait(0.5):
            pass


@contextmanager
def sample_platforms(stores: Stores) -> Iterator[None]:
    """The sample's connections in ClearLift's D1, and the sandbox that they lead to, for the length of the block."""
    with sample_stores.sandbox(stores.object_store, utc_now) as served:
        sample_stores.fill_connections(stores.d1(CLEARLIFT), stores.keyring, served)
        before, stores.ad_origin = stores.ad_origin, served.origin
        try:
            yield
        finally:
            stores.ad_origin = before


def platforms(stores: Stores) -> AbstractContextManager[None]:
    """Where connections lead for the length of a block: the sample's to its sandbox, others to the platforms."""
    is_sample = stores.settings.embedded and not stores.ad_origin and stores.object_store.exists(sample_stores.WORLD)
    return sample_platforms(stores) if is_sample else nullcontext()
