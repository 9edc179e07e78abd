"""Media assets: what people upload, and the variants of it. The work is in make.py."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from dagster import (
    AssetCheckResult,
    AssetCheckSeverity,
    AssetsDefinition,
    AssetSpec,
    Config,
    FreshnessPolicy,
    MaterializeResult,
    ResourceParam,
)
from pydantic import Field

from assets.apps import App, Media
from assets.description import app_asset, asset_arguments
from assets.description import table as table_of
from assets.media import ledger, make
from assets.media.audit import MediaProof, audit
from assets.media.decoders import Decoders
from assets.media.ledger import ImageLedger
from assets.media.make import MediaRun
from assets.rooms import Rooms


class MediaConfig(Config):
    """Which media a run looks at."""

    sweep: bool = Field(default=False, description="List all media, not only the next part of the listing.")


def build(app: App) -> list[AssetsDefinition | AssetSpec]:
    """The media assets of an app whose users upload images; empty for any other."""
    if app.media is None:
        return []
    media = app.media
    uploads = AssetSpec(
        **asset_arguments(
            app, "media", "uploads", store="r2", holds=[("r2", f"{media.root}/")], kinds={"cloudflare", "r2"}
        ),
        description=(
            f"Images as people upload them: {media.root}/{{userId}}/…/{{imageId}}.jpg (or .png, .webp), in any "
            "folder of a user."
        ),
    )
    return [uploads, _variants(app, media)]


def _variants(app: App, media: Media) -> AssetsDefinition:
    sizes = ", ".join(f"{v.name} ({v.longest_side or 'full'} px, quality {v.quality})" for v in media.variants)

    @app_asset(
        app,
        "media",
        "variants",
        store="r2",
        holds=[("r2", f"{media.root}/")],
        kinds={"cloudflare", "r2"},
        deps=[[app.name, "media", "uploads"]],
        description=(
            f"Variants of each uploaded image: {sizes}. They are upright, in sRGB, without EXIF and location, which "
            "are removed from the upload too. What is not an image, or could do harm, goes to quarantine."
        ),
        pool="r2",
        freshness_policy=FreshnessPolicy.time_window(fail_window=timedelta(hours=50), warn_window=timedelta(hours=26)),
        checks={
            "every_upload_is_settled": "Every upload has its unchanged variants, or an entry in quarantine.",
        },
    )
    def variants(config: MediaConfig, rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        images = ledger.of(rooms, app)
        with Decoders() as decoders:
            run = make.of(rooms, app, media, decoders.make).run(sweep=config.sweep)
        folders = None if config.sweep else run.folders
        proof = make.nameless(lambda: audit(rooms.object_store, images, media, folders))
        yield MaterializeResult(metadata=_metadata(run, images), check_results=[_settled(proof, run)])

    return variants


def _metadata(run: MediaRun, images: ImageLedger) -> dict[str, Any]:
    return {
        "listed": run.listed,
        "made": run.made,
        "bytes_in": run.bytes_in,
        "bytes_out": run.bytes_out,
        **({"ratio": run.bytes_out / run.bytes_in} if run.bytes_in else {}),
        "quarantined": run.refused.total(),
        "quarantined_by_reason": table_of([{"reason": r, "images": n} for r, n in run.refused.most_common()]),
        "in_quarantine": table_of(images.by_reason()),
        "removed": run.removed,
        "overtaken": run.overtaken,
    }


def _settled(proof: MediaProof, run: MediaRun) -> AssetCheckResult:
    counted = {
        "uploads": proof.uploads,
        "made": proof.made,
        "quarantined": proof.quarantined,
        "arrived_since": proof.arrived,
        "missing": proof.missing,
    }
    if not proof.uploads and not run.removed:
        return AssetCheckResult(
            check_name="every_upload_is_settled",
            passed=False,
            severity=AssetCheckSeverity.WARN,
            description="No upload was found, so nothing is proved.",
            metadata=counted,
        )
    return AssetCheckResult(
        check_name="every_upload_is_settled",
        passed=not proof.missing,
        severity=AssetCheckSeverity.ERROR,
        description=f"{proof.missing:,} of {proof.uploads:,}: neither variants nor an entry in quarantine.",
        metadata=counted,
    )
