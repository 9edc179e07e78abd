"""What docs/ads.md says of settings and defaults is what the code has."""

import re
from pathlib import Path

from assets.ads.config import SETTINGS
from resources.ad_platforms import PLATFORMS

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "ads.md").read_text()


def test_every_platforms_default_conversions_are_documented_word_for_word() -> None:
    rows = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", PAGE, re.MULTILINE))
    assert {platform.title: rows.get(platform.title) for platform in PLATFORMS.values()} == {
        platform.title: platform.counting.says for platform in PLATFORMS.values()
    }


def test_every_setting_of_a_connection_is_documented() -> None:
    assert {name for name in SETTINGS if name not in PAGE} == set()
