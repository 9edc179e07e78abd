"""SDKs of ad platforms that take seconds to import: their tests import them as they run, as each worker imports all
modules of tests. No fixtures here.
"""

import warnings
from functools import cache
from importlib import import_module
from typing import Any

import pytest

from tests import kept_pydantic

# So that one worker imports them.
GROUP = pytest.mark.xdist_group("sdks")


@cache
def module(name: str) -> Any:
    """A module by its name, because Microsoft's SDK hides some of its packages behind others."""
    with warnings.catch_warnings(), kept_pydantic.kept():
        warnings.simplefilter("ignore")
        return import_module(name)


def microsofts(service: str) -> Any:
    """The models of one of Microsoft's services."""
    return module(f"openapi_client.models.{service}")


def googles(part: str) -> Any:
    """A part of Google's API in the version that we speak."""
    return module(f"google.ads.googleads.v26.{part}")
