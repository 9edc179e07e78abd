"""Sesh's images in the sample: photographs of sessions, of a profile and of a journal, and files that are no images.

The same seed gives the same bytes under the same keys. An existing object is not changed. What does not belong here:
the variants that are made of an image.
"""

import io
import random

from PIL import Image, ImageFilter

from assets.apps import Media
from assets.media import naming
from resources.r2 import ObjectStore

SEED = 13
IMAGES = 8
ORIENTATION, GPS, MAKE = 0x0112, 0x8825, 0x010F
REFUSED = (("cut", b"\xff\xd8\xff\xe0\x00\x10JFIF"), ("page", b"<html><script>1</script>"), ("empty", b""))


def land(store: ObjectStore, media: Media) -> int:
    """Put the sample's uploads under the application's keys. Returns how many are new."""
    chance = random.Random(SEED)  # noqa: S311 (a sample, no secret)
    uploads = {_key(media, n, f"photo-{n:03}"): _photograph(chance) for n in range(IMAGES)}
    uploads |= {_key(media, n, f"bad-{name}"): data for n, (name, data) in enumerate(REFUSED)}
    return sum(store.put_if_absent(key, data) for key, data in uploads.items())


def _key(media: Media, number: int, image: str) -> str:
    user, session = f"user-{number % 3:03}", f"session-{number:04}"
    folder = {6: f"{media.root}/{user}/profile/", 7: f"{media.root}/{user}/journals/entry-{number:04}/"}.get(number)
    return f"{folder or naming.folder(media, user, session)}{image}.jpg"


def _photograph(chance: random.Random) -> bytes:
    """A blurred scene of circles, with the EXIF data that a telephone writes."""
    image = Image.new("RGB", (1_200, 900), tuple(chance.randrange(60, 200) for _ in range(3)))
    for _ in range(40):
        size = chance.randrange(40, 400)
        spot = Image.new("L", (size, size), chance.randrange(256)).filter(ImageFilter.GaussianBlur(8))
        image.paste(
            tuple(chance.randrange(256) for _ in range(3)), (chance.randrange(1_200), chance.randrange(900)), spot
        )
    exif = Image.Exif()
    exif[MAKE] = "Sample Telephones"
    exif[ORIENTATION] = chance.choice((1, 3, 6, 8))
    exif.get_ifd(GPS).update({1: "N", 2: (37.0, 48.0, 15.0), 3: "W", 4: (122.0, 16.0, 12.0)})
    out = io.BytesIO()
    image.save(out, "JPEG", quality=92, exif=exif)
    return out.getvalue()
