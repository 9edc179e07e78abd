"""What an event names: by texts as people and scripts write them, by ids in addresses, and what is no sign of an ad."""

import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.attribution.naming import Named, Texts, named
from assets.attribution.sources import SOURCES, normal, platform_of
from assets.attribution.text import key, plain
from sandbox.world.catalogue import MALICIOUS_NAME

NONE = Texts(None, None, None, None, None, None)


def said(own: dict[str, str] | None = None, /, **fields: Any) -> Named | None:
    return named(NONE._replace(**fields), own or {})


@pytest.mark.parametrize(
    "text",
    [
        "Spring Sale",
        "Spring+Sale",
        "Spring%20Sale",
        "Spring%2520Sale",
        " Spring  Sale ",
        "Spring Sale\t",
        "Spring\u00a0Sale",
        "SPRING%20sale+",
    ],
)
def test_a_text_of_any_dress_has_one_key(text: str) -> None:
    assert key(plain(text)) == key("Spring Sale")


def test_case_is_kept_beside_the_key_and_letters_are_composed() -> None:
    assert plain(unicodedata.normalize("NFD", "Zürich")) == "Zürich"
    assert plain("Z%C3%BCrich") == plain("Zürich")
    assert key("STRASSE") == key("straße")
    assert plain("Tom &amp; Jerry") == "Tom & Jerry"


@given(st.text())
def test_a_plain_text_stays_as_it_is_and_can_be_stored(text: str) -> None:
    found = plain(text)
    assert plain(found) == found
    assert found == found.strip()
    assert "\0" not in found


@given(st.text(min_size=1))
def test_both_sides_meet_however_a_name_is_written(name: str) -> None:
    assert plain(name) == plain(f" {name} ")


def test_a_hostile_name_meets_itself() -> None:
    assert plain(MALICIOUS_NAME) == plain(MALICIOUS_NAME.replace(" ", "  "))


@pytest.mark.parametrize(
    "text",
    [
        *("(not set)", "(Not+Set)", "undefined", "null", "NULL", "", " ", "%20", "+", "(none)", "(direct)", "NaN"),
        *("{campaignid}", "%7Bcampaignid%7D", "{{campaign.name}}", "__CAMPAIGN_NAME__", "{CampaignId}"),
    ],
)
def test_a_placeholder_is_no_touch(text: str) -> None:
    assert said(utm_source="google", utm_campaign=text) is None
    assert said(query=f"?gclid={text}&utm_id={text}&utm_campaign={text}") is None
    assert said(gclid=text, fbclid=text) is None


@pytest.mark.parametrize(
    ("query", "click"),
    [
        ("?gclid=Ab-1", "Ab-1"),
        ("?a=1&amp;gclid=Ab-1&amp;b=2", "Ab-1"),
        ("?gclid=Ab-1%20", "Ab-1"),
        ("?gclid=Ab-1+", "Ab-1"),
        ("https://x.example/?GCLID=Ab-1#top", "Ab-1"),
        ("?gclid=Ab-1&gclid=second", "Ab-1"),
        ("?notgclid=Ab-1", None),
        ("?gclid=" + "x" * 513, None),
    ],
)
def test_a_click_id_is_found_and_trimmed_and_keeps_its_case(query: str, click: str | None) -> None:
    found = said(query=query)
    assert (found and found.click) == click
    assert found is None or found.platform == "google"


def test_a_field_that_was_lost_is_read_from_the_address() -> None:
    found = said(query="?utm_source=google&amp;utm_campaign=Spring+Sale&amp;utm_content=a")
    assert found == Named("google", None, "", "", "", "Spring Sale", "a")
    field = said(utm_campaign="field", query="?utm_campaign=address")
    assert field is not None
    assert field.campaign == "field"


@pytest.mark.parametrize(
    ("fields", "platform", "parameter"),
    [
        ({"gclid": "g", "utm_source": "facebook"}, "google", "gclid"),
        ({"query": "?gbraid=g"}, "google", "gbraid"),
        ({"query": "?wbraid=w&fbclid=f"}, "google", "wbraid"),
        ({"query": "?msclkid=m"}, "microsoft", "msclkid"),
        ({"query": "?ttclid=t&utm_source=newsletter&utm_campaign=n"}, "tiktok", "ttclid"),
        ({"query": "?gad_source=1&gad_campaignid=21"}, "google", ""),
        ({"fbclid": "f", "utm_campaign": "spring"}, "facebook", "fbclid"),
        ({"fbclid": "f", "utm_campaign": "spring", "utm_source": "ig"}, "facebook", "fbclid"),
        ({"fbclid": "f", "utm_campaign": "spring", "utm_source": "google"}, "google", ""),
        ({"fbclid": "f", "utm_campaign": "spring", "utm_source": "newsletter"}, "", ""),
        ({"fbclid": "f", "gclid": "g"}, "google", "gclid"),
    ],
)
def test_the_surest_sign_names_the_platform(fields: dict[str, str], platform: str, parameter: str) -> None:
    found = said(**fields)
    assert found is not None
    assert (found.platform, found.parameter) == (platform, parameter)


def test_a_bare_fbclid_is_no_ad() -> None:
    assert said(fbclid="f") is None
    assert said(fbclid="f", utm_source="facebook") is None
    assert said(query="?fbclid=f") is None


@pytest.mark.parametrize(
    ("query", "campaign_id", "ad_id"),
    [
        ("?gad_campaignid=21", "21", ""),
        ("?utm_id=21", "21", ""),
        ("?hsa_cam=21&hsa_ad=9", "21", "9"),
        ("?campaignid=123456789", "123456789", ""),
        ("?campaign_id=123456789&ad_id=987654321", "123456789", "987654321"),
        ("?utm_content=120210000000000001", "", "120210000000000001"),
        ("?creative=700000000001", "", "700000000001"),
        ("?gad_campaignid=21&utm_id=22", "21", ""),
    ],
)
def test_ids_in_the_address_name_a_campaign_without_a_name(query: str, campaign_id: str, ad_id: str) -> None:
    found = said(query=query)
    assert found is not None
    assert (found.campaign_id, found.ad_id) == (campaign_id, ad_id)


@pytest.mark.parametrize("query", ["?campaign_id=5", "?creative=blue", "?ad_id=12", "?utm_content=2", "?id=123456789"])
def test_a_sites_own_parameters_name_nothing(query: str) -> None:
    assert said(query=query) is None


@pytest.mark.parametrize(
    ("source", "platform"),
    [
        *((name, "facebook") for name in ("facebook_ads", "meta_ads", "instagram_ads", "m.facebook.com", "an", "msg")),
        *((name, "facebook") for name in ("threads", "FB", "l.facebook.com", "Instagram Ads", "ig", "lm.facebook.com")),
        *((name, "google") for name in ("youtube", "Google", "google.de", "www.google.co.uk", "google-ads", "adwords")),
        *((name, "microsoft") for name in ("bing", "bing_ads", "www.bing.com", "Microsoft Ads", "msn")),
        *((name, "tiktok") for name in ("tiktok", "TikTok_Ads", "www.tiktok.com")),
        *((name, "") for name in ("newsletter", "direct", "googlemail", "mygoogle.de", "anna", "")),
    ],
)
def test_sources_name_platforms(source: str, platform: str) -> None:
    assert platform_of(plain(source), {}) == platform


def test_every_source_of_the_list_is_in_its_normal_form() -> None:
    assert [source for source in SOURCES if normal(source) != source and normal(source) not in SOURCES] == []


def test_an_organisation_adds_sources_and_overrules_the_list() -> None:
    own = {"partner_fb": "facebook", "google": "microsoft"}
    assert platform_of("Partner FB", own) == "facebook"
    assert platform_of("google", own) == "microsoft"
    found = said({"partner_fb": "facebook"}, utm_source="Partner+FB", utm_campaign="spring", fbclid="f")
    assert found == Named("facebook", "f", "fbclid", "", "", "spring", "")


@pytest.mark.parametrize(
    ("last", "said_now", "goes_on"),
    [
        ({"gclid": "g", "utm_campaign": "spring"}, {"utm_campaign": "spring"}, True),
        ({"gclid": "g", "utm_campaign": "spring"}, {"gclid": "g"}, True),
        ({"gclid": "g", "utm_campaign": "spring"}, {"gclid": "h", "utm_campaign": "spring"}, False),
        ({"utm_campaign": "spring"}, {"gclid": "g", "utm_campaign": "spring"}, False),
        ({"utm_campaign": "spring"}, {"utm_campaign": "SPRING+"}, True),
        ({"utm_campaign": "spring"}, {"utm_campaign": "summer"}, False),
        ({"utm_campaign": "spring", "utm_source": "fb"}, {"utm_campaign": "spring", "utm_source": "google"}, False),
        ({"utm_campaign": "spring", "utm_source": "fb"}, {"utm_campaign": "spring"}, True),
        ({"query": "?utm_id=1&utm_campaign=spring"}, {"utm_campaign": "spring"}, True),
        ({"query": "?utm_id=1&utm_campaign=spring"}, {"query": "?utm_id=2&utm_campaign=spring"}, False),
        ({"query": "?hsa_ad=1"}, {"query": "?hsa_ad=2"}, False),
    ],
)
def test_the_surest_of_what_is_named_decides_whether_a_visit_goes_on(
    last: dict[str, str], said_now: dict[str, str], goes_on: bool
) -> None:
    before, now = said(**last), said(**said_now)
    assert before is not None
    assert now is not None
    assert now.goes_on(before) == goes_on
