"""The part of a page that is made from the code, between two markers. What is written there belongs to its caller."""


def replaced(text: str, page: str, begin: str, end: str, made: str) -> str:
    """The page's text with `made` between its markers.

    Raises:
        ValueError: the markers are missing.
    """
    before, found_begin, rest = text.partition(begin)
    _, found_end, after = rest.partition(end)
    if not found_begin or not found_end:
        raise ValueError(f"{page} lacks {begin} or {end}")
    return f"{before}{begin}\n\n{made}\n\n{end}{after}"
