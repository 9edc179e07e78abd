"""The ad platforms by the values of utm_source. Data, and how a value is looked up. Pure.

An organisation adds its own values by its setting `sources` (rules.py). What does not belong here: click ids, which
name a platform more surely (naming.py).
"""

import re
from collections.abc import Mapping

from assets.attribution.text import folded

_GOOGLE = """
google google_ads googleads google_adwords adwords gads google_search google_shopping google_display google_pmax gdn
youtube youtube_ads yt youtube.com m.youtube.com google.com demand_gen
"""
# Meta's own macro {{site_source_name}} gives fb, ig, msg, an and threads.
_META = """
facebook facebook_ads facebookads facebook_ad facebook.com fb fb_ads fbads fb_ad meta meta_ads metaads instagram
instagram_ads instagramads instagram.com insta ig ig_ads igads an audience_network msg messenger facebook_messenger
threads threads.net threads.com fb_ig facebook_instagram
"""
_TIKTOK = "tiktok tiktok_ads tiktokads tiktok.com tik_tok tt pangle"
_MICROSOFT = """
bing bing_ads bingads bing.com microsoft microsoft_ads microsoftads microsoft_advertising ms_ads msads msn msn.com
adcenter
"""
SOURCES: Mapping[str, str] = {
    source: platform
    for platform, sources in (
        ("google", _GOOGLE),
        ("facebook", _META),
        ("tiktok", _TIKTOK),
        ("microsoft", _MICROSOFT),
    )
    for source in sources.split()
}
# Hosts of a platform for reading on another device, or for links that leave it.
_SUBDOMAIN = re.compile(r"^(?:www|m|mobile|l|lm|web|business)\.")
_GOOGLE_BY_COUNTRY = re.compile(r"google(?:\.com?)?\.[a-z]{2}")


def normal(source: str) -> str:
    """A plain utm_source as the lists have it: in one case, words joined by an underscore, hosts without www or m."""
    return _SUBDOMAIN.sub("", re.sub(r"[\s-]+", "_", folded(source)))


def platform_of(source: str, own: Mapping[str, str]) -> str:
    """The ad platform that a plain utm_source names, or ''. own: the organisation's sources, by their normal form."""
    name = normal(source)
    if name in own:
        return own[name]
    return SOURCES.get(name) or ("google" if _GOOGLE_BY_COUNTRY.fullmatch(name) else "")
