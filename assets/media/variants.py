"""The variants of one image: decoded, turned upright, converted to sRGB, made smaller, encoded. Pure.

With the same version of Pillow the same bytes give the same variants. A variant holds nothing but the picture.
"""

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms
from PIL.Image import Resampling, Transpose

from assets.apps import Media
from assets.media.containers import Cleaned, ImageRefusedError, RefusalReason, clean
from assets.media.containers.cleaned import LONGEST_SIDE

BACKGROUND = (255, 255, 255)

_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Renditions:
    """The cleaned upload, its variants (JPEG) by name, and its width and height when upright."""

    cleaned: bytes
    variants: Mapping[str, bytes]
    width: int
    height: int


def make(data: bytes, promised: str, media: Media) -> Renditions:
    """The variants of an upload whose name promises a format; see containers.clean.

    Raises:
        ImageRefusedError: it is not an image that can be shown, or it is too large to decode; says why.
    """
    cleaned = clean(data, promised)
    picture = _decoded(cleaned)
    width, height = picture.size
    made: dict[str, bytes] = {}
    # From the largest to the smallest, each made from the one before.
    for variant in sorted(media.variants, key=lambda v: v.longest_side or LONGEST_SIDE, reverse=True):
        picture = _bounded(picture, variant.longest_side or LONGEST_SIDE)
        made[variant.name] = _encoded(picture, variant.quality)
    return Renditions(cleaned.data, made, width, height)


def _decoded(cleaned: Cleaned) -> Image.Image:
    """The picture in RGB (sRGB), upright; transparent parts are white."""
    try:
        with warnings.catch_warnings(), Image.open(io.BytesIO(cleaned.data), formats=("JPEG", "PNG", "WEBP")) as image:
            # Pillow warns about unusual metadata that it ignores.
            warnings.simplefilter("ignore")
            if getattr(image, "n_frames", 1) > 1:
                raise ImageRefusedError(RefusalReason.ANIMATED)
            image.load()
            picture = _in_srgb(_opaque(image), image.info.get("icc_profile"))
            turn = _UPRIGHT.get(cleaned.orientation)
            return picture.transpose(turn) if turn is not None else picture
    except (MemoryError, ImageRefusedError):
        raise
    except Exception:  # noqa: BLE001 (decoders raise any error on hostile data)
        raise ImageRefusedError(RefusalReason.DAMAGED) from None


def _opaque(image: Image.Image) -> Image.Image:
    """The image in L, RGB or CMYK with 8 bits."""
    if image.mode.startswith("I") or image.mode == "F":
        # Pillow limits 16-bit values to 255 instead of scaling them.
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        layered = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layered.size, (*BACKGROUND, 255)), layered).convert("RGB")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError):
            # The profile cannot be read, or is for other channels than the image has: the picture is shown without it.
            converted = None
        if converted is not None:
            return converted
    return image.convert("RGB")


def _bounded(picture: Image.Image, longest: int) -> Image.Image:
    """The picture with a longest side of at most `longest`; it is never enlarged."""
    if max(picture.size) <= longest:
        return picture
    scale = longest / max(picture.size)
    width, height = (max(1, min(longest, round(side * scale))) for side in picture.size)
    return picture.resize((width, height), Resampling.LANCZOS, reducing_gap=3.0)


def _encoded(picture: Image.Image, quality: int) -> bytes:
    out = io.BytesIO()
    picture.info.clear()
    picture.save(out, "JPEG", quality=quality, subsampling="4:2:0", progressive=True, optimize=True)
    return out.getvalue()
