"""What owners of messaging accounts must do, and that it names nobody."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from assets.growth.messaging import SOON, UNSYNCED, ToDo, to_do
from resources.postgres import Postgres
from resources.sql_files import read_sql
from tests.assets.growth.app_database import GROWTH, NOW

FINE = {
    "account": "1",
    "status": "connected",
    "quality": "green",
    "has_token": True,
    "token_expires_at": NOW + 8 * timedelta(days=7),
    "last_synced_at": NOW - timedelta(hours=1),
}


def whats(**other: Any) -> list[str]:
    return [todo.what for todo in to_do([{**FINE, **other}], [], NOW)]


def test_a_healthy_account_has_nothing_to_do() -> None:
    assert whats() == []
    assert whats(token_expires_at=None) == []  # a system user's token has no end
    assert whats(token_expires_at=NOW + SOON + timedelta(seconds=1)) == []
    assert whats(last_synced_at=NOW - UNSYNCED) == []
    assert whats(status="pending", has_token=False, last_synced_at=None) == []


@pytest.mark.parametrize(
    ("other", "what", "broken"),
    [
        ({"token_expires_at": NOW}, "access token expired on 2026-03-20", True),
        ({"token_expires_at": NOW + SOON}, "access token expires on 2026-03-27", False),
        ({"has_token": False}, "no access token", True),
        ({"status": "restricted"}, "the platform restricts the account", True),
        ({"status": "disconnected", "has_token": False}, "the account is disconnected", True),
        ({"quality": "red"}, "quality rating is red, so that the platform lowers the limit of messages", False),
        ({"last_synced_at": None}, "never synced", False),
        ({"last_synced_at": NOW - UNSYNCED - timedelta(days=1)}, "not synced since 2026-03-17", False),
    ],
)
def test_each_fault_is_one_thing_to_do(other: dict[str, Any], what: str, broken: bool) -> None:
    (todo,) = to_do([{**FINE, **other}], [], NOW)
    assert (todo.account, todo.what, todo.broken) == ("1", what, broken)
    assert todo.do


def test_templates_that_are_rejected_or_paused_are_listed_and_what_is_broken_comes_first() -> None:
    template = {"account": "2", "name": "welcome", "language": "en_US", "status": "paused", "since": None}
    rejected = {**template, "name": "promo", "status": "rejected", "since": datetime(2026, 3, 1)}  # noqa: DTZ001
    found = to_do([{**FINE, "quality": "red"}], [template, rejected], NOW)
    assert [(todo.account, todo.broken) for todo in found] == [("2", True), ("1", False), ("2", False)]
    assert found[0] == ToDo(
        "2",
        "template promo (en_US) is rejected since 2026-03-01",
        "correct it by the reason in the application and submit it again",
        broken=True,
    )


def test_what_is_read_of_accounts_and_templates_says_nothing_about_a_person(own: Postgres) -> None:
    own.execute(
        "insert into whatsapp.accounts"
        " (waba_id, phone_number_id, display_phone, business_name, status, token_expires_at, access_token_ciphertext)"
        " values ('4711', '1234567', '+49 30 901820', 'Ann Example', 'connected', %s, '\\x00')",
        (NOW - timedelta(days=1),),
    )
    own.execute(
        "insert into whatsapp.templates (account_id, name, category, status, rejection_reason)"
        " select id, 'promo', 'marketing', 'rejected', 'Ann was named' from whatsapp.accounts"
    )
    accounts, templates = (own.fetch(read_sql(f"{GROWTH.statements}/{name}.sql")) for name in ("accounts", "templates"))
    found = to_do(accounts, templates, NOW)
    assert len(found) == 3
    assert {todo.account for todo in found} == {
        row["id"] for row in own.fetch("select id::text from whatsapp.accounts")
    }
    for secret in ("4711", "1234567", "901820", "Ann"):
        assert secret not in f"{accounts} {templates} {found}"
