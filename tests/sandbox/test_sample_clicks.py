"""The sample's paid clicks are the world's clicks of the organisation's accounts and days, and change no count."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec

from assets.attribution import text
from sandbox import sample
from sandbox.sample_clicks import PARAMETERS, PaidClicks
from sandbox.world.catalogue import Size
from sandbox.world.entities import Platform
from sandbox.world.world import World, moment

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)
WORLD = World(
    7, NOW.date(), Size({"google": 1, "facebook": 1, "tiktok": 0, "microsoft": 1}, (5, 6), (1, 2), (1, 2), 12)
)
OWNED: dict[str, list[tuple[Platform, str]]] = {
    "a3f7c2": [(platform, account.id) for platform in ("google", "facebook") for account in WORLD.accounts(platform)],
    "b8e9d1": [("microsoft", account.id) for account in WORLD.accounts("microsoft")],
}


def test_every_click_is_the_worlds_and_brings_one_session_and_counts_stay() -> None:
    plain, truth = sample.batches(NOW, days=2, scale=0.02)
    batches, same = sample.batches(NOW, days=2, scale=0.02, paid=PaidClicks(WORLD, OWNED, NOW))
    assert same == truth
    assert [(b.arrival, len(b.lines)) for b in batches] == [(b.arrival, len(b.lines)) for b in plain]

    sessions: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    dirty = 0
    for line in (line for batch in batches for line in batch.lines):
        try:
            event = msgspec.json.decode(line)
            query = dict(part.split("=") for part in (event["page_search"] or "?")[1:].split("&") if part)
            session = event["session_id"]
            at = datetime.fromisoformat(event["timestamp"])
        except (msgspec.DecodeError, KeyError, ValueError):
            continue
        (parameter,) = set(query) & set(PARAMETERS.values()) or {""}
        if not parameter or event["org_tag"] not in OWNED:
            continue
        owner = WORLD.campaign_of_click(query[parameter])
        assert owner is not None
        platform, campaign = owner
        assert PARAMETERS[platform] == parameter
        account = WORLD.account(platform, dict(OWNED[event["org_tag"]])[platform])
        if at > NOW:
            continue
        # A session can continue past midnight.
        days = {moment(account, at - back).today for back in (timedelta(0), timedelta(hours=1))}
        clicks = {c.click_id: c for day in days for c in WORLD.clicks(platform, account.id, day, NOW)}
        assert clicks[query[parameter]].campaign_id == campaign
        written = clicks[query[parameter]].utm_campaign
        assert event["utm_campaign"] == query["utm_campaign"]
        assert text.plain(event["utm_campaign"]).lower() in ("", written)
        dirty += event["utm_campaign"] != written
        assert event.get(parameter, query[parameter]) == query[parameter]
        sessions.setdefault(query[parameter], set()).add(session)
        counts[parameter] += 1
    assert all(len(ids) == 1 for ids in sessions.values())
    assert set(counts) == {"gclid", "fbclid", "msclkid"}
    assert dirty


def test_some_visitors_have_one_session_id_for_ever_and_pages_lead_to_pages() -> None:
    batches, _ = sample.batches(NOW, days=3, scale=0.05)
    days: dict[str, set[str]] = {}
    own = 0
    for line in (line for batch in batches for line in batch.lines):
        try:
            event = msgspec.json.decode(line)
            days.setdefault(event["session_id"], set()).add(event["timestamp"][:10])
            own += event["referrer_domain"] == event["page_hostname"]
        except (msgspec.DecodeError, KeyError):
            continue
    assert max(map(len, days.values())) > 2
    assert own
