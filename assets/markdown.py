"""Texts of people inside Markdown. Pure."""

MARKUP = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>|#~$&"} | {"\n": " ", "\r": " "})


def in_markdown(text: str) -> str:
    """A text of people as it stands, whatever of Markdown or HTML is in it."""
    return text.translate(MARKUP)
