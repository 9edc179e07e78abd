"""Valid keys: the names that mean the same in a bucket, in a local folder, in a URL and for every engine."""

import re

MAX_KEY_BYTES = 1024
MAX_SEGMENT_BYTES = 255  # of a file name on the usual file systems

# obstore gives #1 and so on to local files that it is writing, and \ is a separator on some systems.
REFUSED = re.compile(r"[\x00-\x1f\x7f\\]|#\d+$")


def checked_key(key: str) -> str:
    """The key itself. A ValueError names a key that is too long, or has an empty, `.`, `..` or refused segment."""
    segments = key.split("/")
    if any(segment in ("", ".", "..") for segment in segments):
        raise ValueError(f"object key {key!r}: must be relative, without empty, '.' or '..' segments")
    if any(REFUSED.search(segment) for segment in segments):
        raise ValueError(
            f"object key {key!r}: control characters, backslashes and names ending in #<digits> are refused"
        )
    if len(key.encode()) > MAX_KEY_BYTES or any(len(segment.encode()) > MAX_SEGMENT_BYTES for segment in segments):
        raise ValueError(f"object key {key[:80]!r}...: over {MAX_KEY_BYTES} bytes, or {MAX_SEGMENT_BYTES} a segment")
    return key


def checked_prefix(prefix: str) -> str:
    """A prefix, which is a folder, without its final slash; '' for all objects."""
    prefix = prefix.removesuffix("/")
    return checked_key(prefix) if prefix else ""
