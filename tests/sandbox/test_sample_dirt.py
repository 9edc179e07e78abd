"""The sample has what shops and trackers do: bots, several devices of a user, currencies, orders twice, refunds."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import msgspec
import polars as pl

from assets.attribution.bots import marked
from sandbox import sample

NOW = datetime(2026, 11, 20, 15, tzinfo=UTC)


def test_orders_are_reported_twice_and_refunded_and_users_have_devices_and_bots_come() -> None:
    events: dict[str, dict[str, Any]] = {}
    for line in (line for batch in sample.batches(NOW, days=3, scale=0.2)[0] for line in batch.lines):
        try:
            event = msgspec.json.decode(line)
        except msgspec.DecodeError:
            continue
        if event["org_tag"] in {org.tag for org in sample.ORGANISATIONS if org.active}:
            events[event["event_id"]] = event
    orders: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    devices: dict[tuple[str, str], set[str]] = defaultdict(set)
    currencies = set()
    for event in sorted(events.values(), key=lambda e: e["timestamp"]):
        if event["event_value"] is not None:
            data = msgspec.json.decode(event["event_data"])
            orders[event["org_tag"], data["order_id"]].append(event)
            devices[event["org_tag"], event["user_id"]].add(event["anonymous_id"])
            currencies.add(data.get("currency"))
    amounts = [[event["event_value"] for event in own] for own in orders.values()]
    assert any(len(own) > 1 and own[1] == -own[0] for own in amounts), "refunded"
    assert any(len(own) > 1 and own[1] == own[0] for own in amounts), "reported twice"
    assert currencies == {None, "USD", "GBP"}
    assert max(map(len, devices.values())) > 1
    agents = pl.DataFrame({"user_agent": [event["user_agent"] for event in events.values()], "name": 0})
    assert 0 < marked(agents)["bot"].sum() < len(events) / 10
