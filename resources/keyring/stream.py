"""Streams of bytes sealed with the keyring, by C2SP's chunked encryption (Cobblestone-256, as `cryptography` has it).

Layout: 0x01, key id (4 bytes), then a message as c2sp.org/chunked-encryption says. Its context is this head and a label
that says where the stream belongs. So a stream that was cut, changed, reordered or moved does not open. What does not
belong here: what is in a stream (assets), single fields (keyring.py).
"""

from collections.abc import Iterable, Iterator

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from resources.keyring.keyring import Keyring
from resources.keyring.primitives import SealError

VERSION = b"\x01"
HEAD_BYTES = 1 + 4
INFO = b"clearlift stream"


class Sealer:
    """Seals one stream with the newest key: the outputs of `update` and `finish`, in order, are the sealed stream."""

    def __init__(self, keyring: Keyring, label: str) -> None:
        self.key_id = keyring.newest
        self._head = VERSION + self.key_id.to_bytes(4, "big")
        key = keyring.sub_key(self.key_id, INFO, label)
        self._encryptor = Cobblestone256Encryptor(key, _context(self._head, label))

    def update(self, data: bytes) -> bytes:
        """The next sealed bytes; up to 16 KiB of the data wait for more."""
        head, self._head = self._head, b""
        return head + self._encryptor.update(data)

    def finish(self) -> bytes:
        """The last sealed bytes. Without them nothing opens as a whole."""
        return self.update(b"") + self._encryptor.finalize()


def sealed(keyring: Keyring, data: bytes, label: str) -> bytes:
    """A stream that is at hand as a whole."""
    sealer = Sealer(keyring, label)
    return sealer.update(data) + sealer.finish()


def opened(keyring: Keyring, chunks: Iterable[bytes], label: str) -> Iterator[bytes]:
    """The bytes of a sealed stream, chunk by chunk as they come; each was checked before it is given.

    Only the end of the iteration says that the stream is whole.

    Raises:
        SealError: it was cut, changed, extended or belongs to another label, or its key is not in the key set.
    """
    source = iter(chunks)
    head = b""
    while len(head) < HEAD_BYTES:
        chunk = next(source, None)
        if chunk is None:
            raise SealError(f"{label}: cut within its head")
        head += chunk
    head, rest = head[:HEAD_BYTES], head[HEAD_BYTES:]
    key_id = key_id_of(head, label)
    decryptor = Cobblestone256Decryptor(keyring.sub_key(key_id, INFO, label), _context(head, label))
    try:
        yield decryptor.update(rest)
        for chunk in source:
            yield decryptor.update(chunk)
        yield decryptor.finalize()
    except InvalidTag:
        raise SealError(
            f"{label}: does not open with key {key_id}: cut, changed, not of this place, or of another key set"
        ) from None


def key_id_of(head: bytes, label: str) -> int:
    """The id of the key that a stream was sealed with; a SealError if it is no sealed stream of this version."""
    if len(head) < HEAD_BYTES or head[:1] != VERSION:
        raise SealError(f"{label}: not a sealed stream of this version")
    return int.from_bytes(head[1:HEAD_BYTES], "big")


def _context(head: bytes, label: str) -> bytes:
    return head + label.encode()
