"""The project's folder, where `.env`, `dagster_home/` and the embedded stores lie. A command runs from any folder. And
the name of its code location.
"""

from pathlib import Path

LOCATION = "clearlift_pipelines"
MARK = Path("dagster_home") / "dagster.yaml"
CHECKOUT = Path(__file__).resolve().parents[1]


def folder() -> Path:
    """The current folder, or the nearest above it, that holds `dagster_home/dagster.yaml`; else the checkout that this
    code runs from; else the current folder.
    """
    here = Path.cwd()
    return next((path for path in (here, *here.parents, CHECKOUT) if (path / MARK).exists()), here)
