"""Removal of secrets, personal data and query strings from the text of a log or an error."""

import re
from collections.abc import Iterable
from urllib.parse import quote, urlsplit

CUT = "[redacted]"
MAX_TEXT = 500
NAMES = r"token|secret|password|signature|api[_-]?key"
PATTERNS = (
    re.compile(r"(?<=\?)[^\s\"'<>]*=[^\s\"'<>]*"),  # a query string
    re.compile(r"(?i)(?<=bearer )\S+"),
    re.compile(rf"(?i)\b[\w-]*(?:{NAMES})\s*=\s*[^\s&,;]+"),
    re.compile(rf"(?i)\b[\w-]*(?:{NAMES})[\"']\s*:\s*[\"'][^\"']+"),
    # Before a colon only a name with _ or -, because "access token: Session has expired" is prose.
    re.compile(rf"(?i)\b\w+[_-](?:{NAMES}):\s*\S+"),
    re.compile(r"[^\s@\"'<>(),;:]+@[^\s@\"'<>(),;:]+\.\w+"),  # an e-mail address
    re.compile(r"\b[A-Za-z0-9_\-+/=.]{40,}"),  # a token, a signature, a hash
)


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """`text` without `secrets` and all that looks like one, on one line, of at most 500 characters."""
    for secret in secrets:
        if len(secret) >= 4:
            text = text.replace(secret, CUT).replace(quote(secret, safe=""), CUT)
    for pattern in PATTERNS:
        text = pattern.sub(CUT, text)
    text = " ".join(text.split())
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def route_of(url: str) -> str:
    """Host and path of a URL, without user, password and query string."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.hostname or ''}{port}{parts.path}"
