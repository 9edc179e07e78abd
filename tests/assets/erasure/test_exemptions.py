"""What an erasure leaves for a reason until a day: the rest goes, and it goes when the day has come."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance

from assets.compliance.sections import exemptions
from assets.erasure.begin import received
from assets.erasure.exemptions import Exemption, NotExemptError, possible
from assets.erasure.identify import Asked
from assets.erasure.request import Request
from assets.erasure.requests import NotOpenError, RepeatedError
from assets.erasure.run import Search
from assets.privacy.tombstones import Tombstones
from assets.search.certify import search
from resources.d1 import D1
from tests.assets.erasure.inhabited import (
    ANNA,
    BERT,
    CLEARLIFT,
    CONSIGNMENT,
    GROWTH,
    NOW,
    SESH,
    WINDOW,
    Inhabited,
    everything,
    put,
)

UNTIL = date(2036, 12, 31)
BOTH = ("d1/users", "d1/journal_entries")


def asked(inhabited: Inhabited, subject: str = ANNA, names: tuple[str, ...] = BOTH, **of: Any) -> Request:
    given = {"reason": "a claim before court", "until": UNTIL, **of}
    erasure = inhabited.erasure(SESH)
    request, _ = received(erasure, Asked(subject), "command", exemption=Exemption(names, **given))
    return erasure.requests.confirmed(request, inhabited.now + WINDOW, inhabited.now)


def searched(instance: DagsterInstance) -> Search:
    """The search, which sees the file of a D1 in the folder of R2 too, because these stores share one."""
    return lambda rooms, app, people: [
        hit for hit in search(rooms, app, people, instance) if hit.place != "r2" or "sqlite" not in hit.name
    ]


def of_anna(d1: D1) -> dict[str, int]:
    return {table: n for table, rows in everything(d1).items() if (n := sum(ANNA in row for row in rows))}


def test_what_is_exempt_stays_and_goes_when_its_day_has_come(inhabited: Inhabited, sesh: D1, tmp_path: Path) -> None:
    others = {table: [r for r in rows if ANNA not in r] for table, rows in everything(sesh).items()}
    request = asked(inhabited)
    (tmp_path / "dagster").mkdir()
    with DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        outcome = inhabited.erasure(SESH, searched(instance)).run(at_once=[request.id])
        assert outcome.failed == {}
        (done,) = outcome.done
        assert of_anna(sesh) == {"journal_entries": 1, "users": 1}
        receipt = json.loads(inhabited.stores.store.get(done.receipt))
        assert receipt["exempt"] == {
            "names": list(BOTH), "reason": "a claim before court", "until": "2036-12-31",
            "erased_by_request": f"{request.id}-exempted",
        }  # fmt: skip
        assert ["d1", "users", "exempt until 2036-12-31: a claim before court"] in receipt["kept"]
        assert ANNA not in json.dumps(receipt)

        requests = inhabited.erasure(SESH).requests
        follow_up = requests.get(done.follow_up)
        assert (follow_up.state, follow_up.origin, follow_up.plan) == ("waiting", "exemption", done.plan)
        with pytest.raises(NotOpenError, match="cannot be cancelled"):
            requests.cancelled(follow_up, inhabited.now)
        with pytest.raises(RepeatedError, match=f"{follow_up.id} for the same id is waiting"):
            inhabited.asked(SESH, ANNA)
        section = exemptions(inhabited.rooms, SESH)
        left = ("d1", "users", "until 2036-12-31", "a claim before court (1 request)")
        assert left in list(section.rows)

        day_after = datetime(2037, 1, 1, tzinfo=UTC)
        assert follow_up.waits_until == day_after
        inhabited.now = day_after - timedelta(seconds=1)
        assert inhabited.erasure(SESH).run().done == []
        inhabited.now = day_after
        (ended,) = inhabited.erasure(SESH, searched(instance)).run().done
    assert (ended.id, ended.state) == (follow_up.id, "done")
    assert of_anna(sesh) == {}
    left_over = everything(sesh)
    assert all(left_over[table] == others[table] for table in ("users", "journal_entries", "inventory"))
    assert json.loads(inhabited.stores.store.get(ended.receipt))["exempt"] is None
    assert inhabited.erasure(SESH).run().done == []


def test_a_restore_puts_back_what_is_exempt_and_nothing_else(inhabited: Inhabited, sesh: D1) -> None:
    del sesh

    def stones() -> Tombstones:
        with inhabited.postgres.connection() as connection:
            return Tombstones.locked(connection, "sesh", lambda: inhabited.rooms.keyring)

    request = asked(inhabited)
    inhabited.erasure(SESH).run(at_once=[request.id])
    inhabited.erased(SESH, BERT)
    assert stones().in_table("d1", "inventory").holds("user", ANNA)
    assert not stones().in_table("d1", "users").holds("user", ANNA)
    assert stones().in_table("d1", "users").holds("user", BERT)
    inhabited.now = NOW.replace(year=2037)
    inhabited.erasure(SESH).run()
    assert stones().in_table("d1", "users").holds("user", ANNA)


def test_people_with_and_without_an_exemption_are_erased_in_one_run(inhabited: Inhabited, sesh: D1) -> None:
    first, second = asked(inhabited), inhabited.asked(SESH, BERT)
    done = inhabited.erasure(SESH).run(at_once=[first.id, second.id]).done
    assert len(done) == 2
    assert [row["id"] for row in sesh.query("select id from users")] == [ANNA]
    assert sesh.query("select count(*) as n from inventory") == [{"n": 0}]


@pytest.mark.parametrize(
    ("names", "of", "why"),
    [
        (("d1/nothing",), {}, "d1/nothing cannot be left by sesh"),
        (("r2/sesh/points/",), {}, "cannot be left"),
        (("d1/journal_entries",), {}, "d1/journal_entries refers to d1/users, whose rows go"),
        (BOTH, {"reason": " "}, "has no reason"),
        (BOTH, {"reason": "a\nb"}, "has no reason"),
        (BOTH, {"reason": f"because {ANNA} owes us"}, "names the person"),
        (BOTH, {"until": NOW.date() - timedelta(days=1)}, "has passed"),
    ],
)
def test_what_cannot_be_exempt_is_one_clear_line(
    inhabited: Inhabited, sesh: D1, names: tuple[str, ...], of: dict[str, Any], why: str
) -> None:
    del sesh
    with pytest.raises(NotExemptError, match=why) as refused:
        asked(inhabited, names=names, **of)
    assert ANNA not in str(refused.value)
    assert inhabited.erasure(SESH).requests.all() == []


def test_an_organisation_has_no_exemption(inhabited: Inhabited) -> None:
    put(inhabited.d1["clearlift"], "organizations", id="acme", name="Acme", slug="acme")
    exemption = Exemption(("d1/users",), "accounts", UNTIL)
    with pytest.raises(NotExemptError, match="all that is its own"):
        received(inhabited.erasure(CLEARLIFT), Asked("acme", is_organisation=True), "command", exemption=exemption)


def test_tables_of_an_app_s_postgres_can_be_left(inhabited: Inhabited) -> None:
    assert "app_postgres/marketing.leads" in possible(GROWTH)
    assert "d1/consignors" in possible(CONSIGNMENT)
    inhabited.growth.execute(
        "insert into marketing.leads (email, email_key, first_source) values"
        " ('Zoe@lead.example', 'zoe@lead.example', 'x')"
    )
    erasure = inhabited.erasure(GROWTH)
    exemption = Exemption(("app_postgres/marketing.lead_interactions",), "accounts", UNTIL)
    with pytest.raises(NotExemptError, match=r"refers to app_postgres/marketing\.leads"):
        received(erasure, Asked("zoe@lead.example"), "command", exemption=exemption)
    exemption = Exemption(("app_postgres/marketing.leads",), "accounts", UNTIL)
    request, _ = received(erasure, Asked("zoe@lead.example"), "command", exemption=exemption)
    erasure.requests.confirmed(request, NOW, NOW)
    assert erasure.run().done
    assert len(inhabited.growth.fetch("select 1 from marketing.leads")) == 1
    inhabited.now = NOW.replace(year=2037)
    assert inhabited.erasure(GROWTH).run().done
    assert inhabited.growth.fetch("select 1 from marketing.leads") == []
