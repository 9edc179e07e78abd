"""What may be a key: the names that mean one thing in a bucket, in a local folder, in a URL and to every engine."""

import re

MAX_KEY_BYTES = 1024
MAX_SEGMENT_BYTES = 255  # of a file name on the usual file systems

# Local files cannot end like this (#1 marks one that is being written), and \ is a separator on some systems.
REFUSED = re.compile(r"[\x00-\x1f\x7f\\]|#\d+$")


def checked_key(key: str) -> str:
    """The key itself; raises ValueError that names a key with an empty, `.` or `..` segment, or one out of bounds."""
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
    """A folder-like prefix without its closing slash; '' stands for everything."""
    prefix = prefix.removesuffix("/")
    return checked_key(prefix) if prefix else ""
