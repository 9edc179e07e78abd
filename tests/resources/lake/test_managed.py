"""What Cloudflare's catalog says of its own maintenance, against a stand-in of its API."""

import pytest

from resources.http import HttpError
from resources.lake.managed import Expiry, place_of
from tests.standin.basin_catalog import TOKEN, BasinCatalog

ON = {"state": "enabled", "max_snapshot_age": "48h", "min_snapshots_to_keep": 5}


def test_an_expiry_of_the_catalog_and_one_of_the_table_are_told_apart() -> None:
    with BasinCatalog() as basin:
        assert list(basin.client.expiries(("clearlift", "events"))) == []
        basin.expiry, basin.of_table["clearlift", "events"] = ON, {**ON, "state": "disabled"}
        assert list(basin.client.expiries(("clearlift", "events"))) == [Expiry("48h", 5, ("lake",))]
        basin.of_table["clearlift", "events"] = ON
        both = [Expiry("48h", 5, ("lake",)), Expiry("48h", 5, ("lake", "clearlift", "events"))]
        assert list(basin.client.expiries(("clearlift", "events"))) == both
        assert list(basin.client.expiries(("clearlift", "others"))) == both[:1]
        assert list(basin.client.expiries(("clearlift", "others"), ("clearlift", "events"))) == both


def test_a_token_that_may_not_read_it_is_an_error_and_no_all_clear() -> None:
    with BasinCatalog() as basin, pytest.raises(HttpError) as raised:
        list(basin.opened("another-token").expiries(("clearlift", "events")))
    assert raised.value.status == 403
    assert "another-token" not in str(raised.value)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize(
    ("uri", "warehouse", "place"),
    [
        (f"https://catalog.cloudflarestorage.com/{'a' * 32}/my-lake", f"{'a' * 32}_my-lake", ("a" * 32, "my-lake")),
        ("https://catalog.cloudflarestorage.com/x/y", "warehouse", None),
        ("https://catalog.example", f"{'a' * 32}_my-lake", None),
        ("https://cloudflarestorage.com.example", f"{'a' * 32}_my-lake", None),
        ("", "", None),
    ],
)
def test_only_a_catalog_of_cloudflares_is_asked(uri: str, warehouse: str, place: tuple[str, str] | None) -> None:
    assert place_of(uri, warehouse) == place
