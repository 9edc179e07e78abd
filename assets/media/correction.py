"""A corrected image, judged before it is put in the place of a refused one, because it would replace its bytes."""

from assets.apps import Media
from assets.media import naming
from assets.media.containers import ImageRefusedError, RefusalReason
from assets.media.make import MOST_BYTES
from assets.media.variants import make


def judge(media: Media, key: str, corrected: bytes) -> None:
    """Whether variants would be made of a correction of the upload `key`.

    Raises:
        ImageRefusedError: it would be refused too; says why.
    """
    if len(corrected) > MOST_BYTES:
        raise ImageRefusedError(RefusalReason.TOO_LARGE)
    make(corrected, naming.PROMISED[naming.ending(key)], media)
