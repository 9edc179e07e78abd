"""Who takes the place of an erased person where a row of somebody else must name one.

What does not belong here: texts that name people (replacement.py).
"""

import secrets


def nobody() -> str:
    """An id that is nobody's; another one each time."""
    return f"erased-{secrets.token_hex(8)}"
