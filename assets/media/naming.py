"""Which keys are uploads, which are variants of which upload, and where refused uploads are kept. Pure.

{root}/{userId}/{folder}/{imageId}.jpg               an upload, as is every image below a user's folder
{root}/{userId}/{folder}/{imageId}-thumbnail.jpg     a variant of it
quarantine/{root}/{userId}/{folder}/{imageId}.jpg    its bytes, if it was refused
"""

from collections.abc import Mapping

from assets.apps import Media

# The format that the end of a name promises. An empty text is a format that is refused for its name alone.
PROMISED: Mapping[str, str] = {
    "jpg": "jpeg",
    "jpeg": "jpeg",
    "png": "png",
    "webp": "webp",
    **dict.fromkeys(("avif", "bmp", "gif", "heic", "heif", "svg", "tif", "tiff"), ""),
}
QUARANTINE = "quarantine/"
LONGEST_NAME = 255  # bytes, of one segment of a key
LONGEST_KEY = 1_024


def folder(media: Media, user: str, session: str) -> str:
    """The prefix of the media of one session.

    Raises:
        ValueError: an id is empty or is not one segment of a key. It would name the media of others.
    """
    if any(part in ("", ".", "..") or "/" in part for part in (user, session)):
        raise ValueError("the id of a user or a session is not one segment of a key")
    return f"{media.root}/{user}/{media.sessions}/{session}/"


def folder_of_user(media: Media, user: str) -> str | None:
    """The prefix of all media of a user; None where the id is not one segment of a key."""
    return None if user in ("", ".", "..") or "/" in user else f"{media.root}/{user}/"


def folder_of(media: Media, key: str) -> str | None:
    """The folder (with its closing slash) of a user's object; None for any other key."""
    root, _, rest = key.partition("/")
    parts = rest.split("/")
    if root != media.root or len(parts) < 2 or not all(parts):
        return None
    return key[: -len(parts[-1])]


def ending(key: str) -> str:
    """The text after the last dot of the name, in lower case; empty without a dot."""
    name = key.rpartition("/")[2]
    return name.rpartition(".")[2].lower() if "." in name else ""


def is_image(key: str) -> bool:
    """Whether the name promises an image."""
    return ending(key) in PROMISED


def stem(key: str) -> str:
    """The key of an upload up to its image id."""
    return key.rpartition(".")[0]


def stem_of_variant(media: Media, key: str) -> str | None:
    """The stem of the upload of which a key is a variant by its name; None if it is not a variant."""
    stems = (key.removesuffix(f"-{variant.name}.jpg") for variant in media.variants)
    return next((candidate for candidate in stems if candidate != key), None)


def variants(media: Media, upload: str) -> dict[str, str]:
    """The keys of an upload's variants, by the variant's name."""
    return {variant.name: f"{stem(upload)}-{variant.name}.jpg" for variant in media.variants}


def quarantined(upload: str) -> str:
    """The key under which the bytes of a refused upload are kept."""
    return f"{QUARANTINE}{upload}"


def is_too_long(media: Media, upload: str) -> bool:
    """Whether the key of a variant, or the key in quarantine, would be longer than stores accept."""
    keys = [*variants(media, upload).values(), quarantined(upload)]
    return any(len(key.encode()) > LONGEST_KEY for key in keys) or any(
        len(key.rpartition("/")[2].encode()) > LONGEST_NAME for key in keys
    )
