"""Events, campaigns and clicks to draw from, small enough that visitors, names and windows meet."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st

from tests.assets.attribution.attribution_stores import NEVER, AttributionStores, Campaign
from tests.assets.rollups.event_lake import at, event

A, B = "a3f7c2", "b8e9d1"
# A second tag of A's organisation, where a test makes it.
SECOND = "a3second"
ORGS = {SECOND: f"org-{A}"}
CAMPAIGNS = (
    Campaign(f"org-{A}", "google", "11", "spring"),
    Campaign(f"org-{A}", "google", "12", "brand", ads=(("7", "blue"), ("8", "red"))),
    Campaign(
        f"org-{A}",
        "facebook",
        "21",
        "spring",
        ads=(("5", "blue"), ("6", "7"), ("7", "twice", "blue"), ("9", "twice", "banner")),
    ),
    Campaign(f"org-{A}", "facebook", "22", "11"),
    Campaign(f"org-{A}", "facebook", "23", "twice"),
    Campaign(f"org-{A}", "facebook", "24", "twice"),
    Campaign(f"org-{A}", "tiktok", "31", "only here"),
    Campaign(f"org-{B}", "google", "11", "other", ads=(("7", "blue"),)),
    Campaign(f"org-{B}", "microsoft", "41", "brand"),
    Campaign(f"org-{A}", "google", "14", "Reused Name", until=at(3)),
    Campaign(f"org-{A}", "google", "15", "Reused Name", since=at(4, 11)),
    Campaign(f"org-{A}", "facebook", "26", "by its ad", ads=(("120210000000000001", "first"),)),
)
CLICKS = {"gA": CAMPAIGNS[1], "gB": CAMPAIGNS[7]}
CLICK_ADS = {"gA": CAMPAIGNS[1].ad("8")}
# Conversion types and window, where they are not the default ones.
RULES = {B: ({"purchase", "signup"}, 2)}
REFUND_TYPES = {A: {"refund"}, SECOND: {"refund"}}
NAMED: tuple[dict[str, str], ...] = (
    {},
    {"gclid": "gA"},
    {"gclid": "gB", "utm_campaign": "spring", "utm_source": "google"},
    {"gclid": "gUnknown", "utm_campaign": "11"},
    {"page_search": "?x=1&msclkid=mm&utm_campaign=brand", "utm_campaign": "brand"},
    {"page_search": "?ttclid=tt"},
    {"fbclid": "ff", "utm_campaign": "spring"},
    {"fbclid": "ff", "page_search": "?gclid=gA"},
    {"utm_campaign": "spring"},
    {"utm_campaign": "spring", "utm_source": "FB"},
    {"utm_campaign": "twice"},
    {"utm_campaign": "11"},
    {"utm_campaign": "only here", "utm_source": "newsletter"},
    {"utm_campaign": "only here", "utm_source": "google"},
    {"utm_campaign": "nobody's"},
    {"utm_campaign": "Reused+Name"},
    {"utm_campaign": " reused  NAME ", "utm_source": "google.de"},
    {"utm_campaign": "only%20here", "utm_source": "TikTok"},
    {"utm_campaign": "(not set)", "utm_source": "google"},
    {"fbclid": "ff"},
    {"fbclid": "ff", "utm_campaign": "spring", "utm_source": "google"},
    {"page_search": "?gbraid=b&gad_campaignid=11"},
    {"page_search": "?x=1&amp;gclid=gA%20"},
    {"page_search": "?utm_id=21&utm_campaign=spring", "utm_campaign": "spring"},
    {"page_search": "?utm_content=120210000000000001", "utm_content": "120210000000000001"},
)
LANDED = st.builds(
    lambda campaign, **fields: event(**{**fields, **campaign}),
    campaign=st.sampled_from(NAMED),
    org_tag=st.sampled_from([A, A, B]),
    user_id=st.sampled_from([None, None, None, "u", "w"]),
    timestamp=st.builds(
        lambda day, hour, second: at(day, hour) + timedelta(seconds=second),
        st.integers(1, 6),
        st.sampled_from([0, 2, 11, 14, 23]),
        st.integers(0, 3000),
    ),
    event_id=st.integers(0, 10**9).map("e{}".format),
    event_type=st.sampled_from(["page_view", "conversion", "conversion", "purchase", "signup", "refund"]),
    event_value=st.none() | st.sampled_from([0.01, 10.0, 99.99, -5.0, 1e-6, 123456.789012]),
    anonymous_id=st.sampled_from(["v1", "v2", "v3"]),
    session_id=st.sampled_from(["s1", "s2", "s3"]),
    consent_marketing=st.sampled_from([True, True, True, None, False]),
    event_data=st.sampled_from(
        [None, "{}", '{"order_id": "o1"}', '{"order_id": "o2", "currency": "EUR"}', '{"currency": "USD"}', "no JSON"]
    ),
    user_agent=st.sampled_from([None, "Mozilla/5.0", "Mozilla/5.0", "Mozilla/5.0 (compatible; Googlebot/2.1)"]),
    utm_content=st.sampled_from([None, "", "5", "7", "blue", "twice", "banner", "nobody's"]),
)


def examples(number: int) -> settings:
    """As many examples as a test is given, without a clock and without shrinking."""
    return settings(
        max_examples=number,
        phases=[Phase.explicit, Phase.generate],
    )


def of_two_tags(event: dict[str, Any]) -> dict[str, Any]:
    """An event of A's organisation under its second tag, if its visitor is of the site that has it."""
    return {**event, "org_tag": SECOND} if (event["org_tag"], event["session_id"]) == (A, "s3") else event


def single(events: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """No id twice, no two events of an organisation at once: which of them came first is nobody's to say."""
    found = {(e["org_tag"], e["event_id"]): e for e in events}.values()
    return list({(moment_of(e)): e for e in found}.values())


def moment_of(event: dict[str, Any]) -> tuple[str, datetime]:
    """An organisation and a moment."""
    return ORGS.get(event["org_tag"], event["org_tag"]).removeprefix("org-"), event["timestamp"]


def prepare(attribution_stores: AttributionStores) -> None:
    """The campaigns, clicks and rules above, and nothing else."""
    attribution_stores.clear()
    attribution_stores.campaign(*CAMPAIGNS)
    for campaign in CAMPAIGNS:
        if campaign.until != NEVER:
            attribution_stores.delete(campaign, campaign.until)
    for click, campaign in CLICKS.items():
        attribution_stores.click(campaign, click, CLICK_ADS.get(click, "").rpartition(":")[2])
    attribution_stores.settle(f"org-{A}", refund_types=["refund"])
    types, days = RULES[B]
    attribution_stores.settle(f"org-{B}", conversion_types=sorted(types), window_days=days)
