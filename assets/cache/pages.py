"""Values that are too long for one key: a JSON list is cut into numbered pages. Pure.

The key itself then holds {"pages": n, "items": m}, and the keys `key:page:1` to `key:page:n` hold JSON lists.
"""

from collections.abc import Iterator

import msgspec


class UnpageableError(ValueError):
    """The value is not a JSON list, or one of its items is too long for a page."""


def paged(value: bytes, most: int) -> Iterator[tuple[str, bytes]]:
    """The end of each key (`:page:1` and so on, last an empty text) and its value, of at most `most` bytes.

    Raises:
        UnpageableError: the value cannot be cut; raised before the first page.
    """
    if len(value) <= most:
        yield "", value
        return
    pages = _cut(value, most)
    items = sum(len(page) for page in pages)
    for number, page in enumerate(pages, start=1):
        yield f":page:{number}", b"[" + b",".join(page) + b"]"
    yield "", b'{"pages":%d,"items":%d}' % (len(pages), items)


def _cut(value: bytes, most: int) -> list[list[msgspec.Raw]]:
    try:
        items = msgspec.json.decode(value, type=list[msgspec.Raw])
    except msgspec.DecodeError:
        raise UnpageableError("is no JSON list that could be cut into pages") from None
    pages: list[list[msgspec.Raw]] = [[]]
    size = 2
    for item in items:
        length = len(memoryview(item)) + 1
        if length + 1 > most:
            raise UnpageableError("has an item that is too long for a page")
        if size + length - (not pages[-1]) > most:
            pages.append([])
            size = 2
        pages[-1].append(item)
        size += length
    return pages
