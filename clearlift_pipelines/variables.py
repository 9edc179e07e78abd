"""How the variables of the settings are named."""

PREFIX = "CLEARLIFT_"


def variable_of(field: str, app: str = "") -> str:
    """The variable of a field; of an app's own value, where the field has one for each."""
    return f"{PREFIX}{field}{'__' if app else ''}{app}".upper()
