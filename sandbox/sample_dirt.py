"""What real trackers and addresses do to a sample: session ids that recur, and names as people and scripts write them.

It follows from the visitor, so that the generator of the events gives the same events with and without it. What does
not belong here: errors for which a line is refused (`sample`).
"""

from urllib.parse import quote


def session_id(session: str, visitor: str) -> str:
    """The id that a session is given: of one visitor in sixteen, always the same."""
    return f"{visitor}-always" if visitor[0] == "0" else session


def campaign(name: str, visitor: str) -> str:
    """A campaign's name as the address has it: mostly as it is."""
    match visitor[1]:
        case "0":
            return name.upper()
        case "1":
            return f"+{name}%20"
        case "2":
            return quote(quote(name.replace("_", "%5F")))
        case "3":
            return "(not set)"
        case "4":
            return "{campaignid}"
        case _:
            return name
