"""Published vectors (Wycheproof) run through the functions that sealing and opening use."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from resources.keyring.primitives import HEAD_BYTES, NONCE_BYTES, derived, key_id_of, mac, opened_with, sealed_with

# They lie beside a checkout and are no part of it.
FOLDER = Path(__file__).resolve().parents[4] / "shared" / "data" / "wycheproof"
KEY_ID = 0x01020304

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="Wycheproof's vectors are not beside this checkout")


def vectors(name: str, **wanted: int) -> Iterator[dict[str, Any]]:
    """The vectors of a file's groups with these sizes; hex is bytes."""
    for group in json.loads((FOLDER / f"{name}_test.json").read_text())["testGroups"]:
        if all(group[size] == bits for size, bits in wanted.items()):
            for vector in group["tests"]:
                texts = {k: v for k, v in vector.items() if k not in ("comment", "result") and isinstance(v, str)}
                yield {**vector, **{name: bytes.fromhex(text) for name, text in texts.items()}}


def test_aes_gcm() -> None:
    seen = 0
    for vector in vectors("aes_gcm", keySize=256, ivSize=96, tagSize=128):
        seen += 1
        cipher, context = AESGCM(vector["key"]), vector["aad"]
        head = b"\x01\x01\x02\x03\x04"
        published = head + vector["iv"] + vector["ct"] + vector["tag"]
        assert key_id_of(published) == KEY_ID
        if vector["result"] == "valid":
            assert sealed_with(cipher, KEY_ID, vector["iv"], vector["msg"], context) == published, vector["comment"]
            assert opened_with(cipher, published, context) == vector["msg"], vector["comment"]
            assert opened_with(cipher, published, context + b"\0") is None
        else:
            assert opened_with(cipher, published, context) is None, vector["comment"]
        assert len(head) + len(vector["iv"]) == HEAD_BYTES + NONCE_BYTES
    assert seen == 66


def test_hmac() -> None:
    seen = 0
    for vector in vectors("hmac_sha256"):
        seen += 1
        tag = mac(vector["key"], vector["msg"])[: len(vector["tag"])]
        assert (tag == vector["tag"]) == (vector["result"] == "valid"), vector["comment"]
    assert seen == 174


def test_hkdf() -> None:
    seen = 0
    for vector in vectors("hkdf_sha256"):
        seen += 1
        given = vector["ikm"], vector["info"], vector["size"], vector["salt"] or None
        if vector["result"] == "valid":
            assert derived(*given) == vector["okm"], vector["comment"]
        else:
            with pytest.raises(ValueError, match=r"[Cc]annot derive"):
                derived(*given)
    assert seen == 86
