"""Click ids that belong to a campaign, and the way back.

A real click id is opaque; these look like theirs and carry the campaign and a check value, so that a test can tell
whose click it holds. What does not belong here: how many clicks there were.
"""

import base64
import binascii
import struct
from hashlib import blake2b

from sandbox.world.entities import Platform

_PREFIX: dict[Platform, str] = {"google": "Cj0KCQ", "facebook": "IwAR", "tiktok": "E.C.P.", "microsoft": ""}
_CHECK_BYTES = 3


class ClickIds:
    """Makes and reads the click ids of one world; those of a world with another seed are not recognised."""

    def __init__(self, seed: int) -> None:
        self._key = str(seed).encode()

    def make(self, platform: Platform, campaign_id: int, n: int) -> str:
        if n < 0:
            raise ValueError(f"a click's number is 0 or more, not {n}")
        if platform == "microsoft":  # 32 hexadecimal digits, as an msclkid has
            body = struct.pack(">Q", campaign_id)[3:] + struct.pack(">Q", n)
            return (body + self._check(platform, body)).hex()
        body = struct.pack(">QQ", campaign_id, n)
        text = base64.urlsafe_b64encode(body + self._check(platform, body)).decode().rstrip("=")
        return _PREFIX[platform] + text

    def campaign(self, click_id: str) -> tuple[Platform, str] | None:
        for platform, prefix in _PREFIX.items():
            if not click_id.startswith(prefix):
                continue
            body = self._body(platform, click_id.removeprefix(prefix))
            if body is not None:
                return platform, str(int.from_bytes(body[:-8], "big"))
        return None

    def _body(self, platform: Platform, text: str) -> bytes | None:
        try:
            raw = (
                bytes.fromhex(text)
                if platform == "microsoft"
                else base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
            )
        except (ValueError, binascii.Error):
            return None
        body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
        length = 13 if platform == "microsoft" else 16
        return body if len(body) == length and check == self._check(platform, body) else None

    def _check(self, platform: Platform, body: bytes) -> bytes:
        return blake2b(platform.encode() + body, key=self._key, digest_size=_CHECK_BYTES).digest()
