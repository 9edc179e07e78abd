"""Media assets: the uploads that people make, and the variants made of them. The work itself is in make.py."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetCheckSpec,
    AssetsDefinition,
    AssetSpec,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
    asset,
)

from assets.apps import App, Media
from assets.description import asset_arguments
from assets.description import table as table_of
from assets.media.audit import Proof, audit
from assets.media.decoders import Decoders
from assets.media.ledger import Ledger
from assets.media.make import Done, Making, nameless
from assets.rooms import Rooms


class MediaConfig(Config):
    """sweep: list all media, not only the next stretch of them."""

    sweep: bool = False


def build(app: App) -> list[AssetsDefinition | AssetSpec]:
    """The media assets of an application whose users upload images."""
    if app.media is None:
        return []
    media = app.media
    uploads = AssetSpec(
        **asset_arguments(
            app, "media", "uploads", store="r2", holds=[("r2", f"{media.root}/")], kinds={"cloudflare", "r2"}
        ),
        description=(
            f"Images as people upload them: {media.root}/{{userId}}/profile/{{imageId}}.jpg, and below sessions,"
            " journals, or wherever else in a user's folder."
        ),
    )
    return [uploads, _variants(app, media)]


def _variants(app: App, media: Media) -> AssetsDefinition:
    arguments = asset_arguments(
        app, "media", "variants", store="r2", holds=[("r2", f"{media.root}/")], kinds={"cloudflare", "r2"}
    )
    sizes = ", ".join(f"{v.name} ({v.longest_side or 'full'} px, quality {v.quality})" for v in media.variants)

    @asset(
        **arguments,
        deps=[[app.name, "media", "uploads"]],
        description=(
            f"Of each uploaded image: {sizes}, upright, in sRGB, without EXIF or location, which are taken out of the "
            "upload too. What is no image, or would harm, goes to quarantine."
        ),
        pool="r2",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)),
        check_specs=[
            AssetCheckSpec(
                "every_upload_is_settled",
                asset=arguments["key"],
                description="Every upload has its variants, as they were made, or an entry in quarantine.",
            )
        ],
    )
    def variants(config: MediaConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        ledger = Ledger(rooms.postgres, app.name, rooms.clock)
        with Decoders() as decoders:
            done = Making(
                app.name,
                media,
                rooms.object_store,
                rooms.postgres,
                rooms.clock,
                decoders.make,
                rooms.progress("images made smaller"),
            ).run(sweep=config.sweep)
        folders = None if config.sweep else done.folders
        proof = nameless(lambda: audit(rooms.object_store, ledger, media, folders))
        yield MaterializeResult(metadata=_metadata(done, ledger), check_results=[_settled(proof, done)])

    return variants


def _metadata(done: Done, ledger: Ledger) -> dict[str, Any]:
    return {
        "listed": done.listed,
        "made": done.made,
        "bytes_in": done.bytes_in,
        "bytes_out": done.bytes_out,
        **({"ratio": done.bytes_out / done.bytes_in} if done.bytes_in else {}),
        "quarantined": done.refused.total(),
        "quarantined_by_reason": table_of([{"reason": r, "images": n} for r, n in done.refused.most_common()]),
        "in_quarantine": table_of(ledger.by_reason()),
        "removed": done.removed,
        "overtaken": done.overtaken,
    }


def _settled(proof: Proof, done: Done) -> AssetCheckResult:
    counted = {
        "uploads": proof.uploads,
        "made": proof.made,
        "quarantined": proof.quarantined,
        "arrived_since": proof.arrived,
        "missing": proof.missing,
    }
    if not proof.uploads and not done.removed:
        return AssetCheckResult(
            check_name="every_upload_is_settled",
            passed=False,
            severity=AssetCheckSeverity.WARN,
            description="No upload was found: nothing is proved.",
            metadata=counted,
        )
    return AssetCheckResult(
        check_name="every_upload_is_settled",
        passed=not proof.missing,
        severity=AssetCheckSeverity.ERROR,
        description=f"{proof.missing:,} of {proof.uploads:,} uploads have neither variants nor an entry in quarantine.",
        metadata=counted,
    )
