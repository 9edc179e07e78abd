"""Click ids, and the campaign that a click id belongs to.

A real click id is opaque. These look like real ones, and carry their campaign and a check value, so that a test can
find the campaign. What does not belong here: how many clicks a day has.
"""

import base64
import struct
from hashlib import blake2b

from sandbox.world.entities import Platform

_PREFIX: dict[Platform, str] = {"google": "Cj0KCQ", "facebook": "IwAR", "tiktok": "E.C.P.", "microsoft": ""}
_CHECK_BYTES = 3


class ClickIds:
    """Makes and reads the click ids of one world. It does not accept those of a world with another seed."""

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
        """The platform and the campaign of a click id. None: it is no click id of this world."""
        for platform, prefix in _PREFIX.items():
            body = self._body(platform, click_id.removeprefix(prefix)) if click_id.startswith(prefix) else None
            if body is not None:
                return platform, str(int.from_bytes(body[:-8], "big"))
        return None

    def _body(self, platform: Platform, text: str) -> bytes | None:
        is_hex = platform == "microsoft"
        try:
            raw = bytes.fromhex(text) if is_hex else base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        body, check = raw[:-_CHECK_BYTES], raw[-_CHECK_BYTES:]
        return body if len(body) == (13 if is_hex else 16) and check == self._check(platform, body) else None

    def _check(self, platform: Platform, body: bytes) -> bytes:
        return blake2b(platform.encode() + body, key=self._key, digest_size=_CHECK_BYTES).digest()
