"""Texts of people inside Markdown. Pure."""

MARKUP = str.maketrans({mark: f"\\{mark}" for mark in "\\`*_[]<>|#~$&"} | {"\n": " ", "\r": " "})


def in_markdown(text: str) -> str:
    """A text of people as it stands, also where it holds Markdown or HTML."""
    return text.translate(MARKUP)
