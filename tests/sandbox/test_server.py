"""The sandbox as a whole: its start and stop, its control paths, its credentials and its clock."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from sandbox.faults import Fault, FaultKind, Subject
from sandbox.server import Sandbox
from sandbox.tokens import TokenBook, TokenExpiredError, TokenInvalidError, TokenRevokedError
from sandbox.world.entities import PLATFORMS

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)


def test_another_process_can_order_faults_and_move_time(ad_sandbox: Sandbox) -> None:
    control = f"{ad_sandbox.origin}/_sandbox"
    orders = [{"kind": "rate_limited", "platform": "google", "retry_after": 3}, {"kind": "reset"}]
    assert requests.post(f"{control}/faults", json=orders, timeout=5).json() == {"ordered": 2}
    assert ad_sandbox.faults.take("google", "/", Subject()) == Fault(FaultKind.RATE_LIMITED, "google", retry_after=3)
    assert requests.delete(f"{control}/faults", timeout=5).json() == {"ordered": 0}
    assert ad_sandbox.faults.take("google", "/", Subject()) is None
    wrong = requests.post(f"{control}/faults", json={"kind": "flood"}, timeout=5)
    assert wrong.status_code == 400
    assert "flood" in wrong.json()["error"]
    moved = requests.post(f"{control}/clock", json={"advance_seconds": 3600}, timeout=5).json()
    assert datetime.fromisoformat(moved["now"]) == NOW + timedelta(hours=1) == ad_sandbox.clock()
    requests.post(f"{control}/clock", json={"now": "2026-12-24T00:00:00+00:00"}, timeout=5)
    assert ad_sandbox.clock() == datetime(2026, 12, 24, tzinfo=UTC)
    assert requests.get(f"{control}/nothing", timeout=5).status_code == 404
    account = ad_sandbox.world.accounts("google")[0].id
    token = ad_sandbox.tokens.issue("google", account).access_token
    ad_sandbox.tokens.revoke("google", account)
    own = {"platform": "google", "account_id": account}
    assert requests.post(f"{control}/reinstate", json=own, timeout=5).json() == {"reinstated": account}
    ad_sandbox.clock.set(NOW)
    assert ad_sandbox.tokens.check("google", token).account_id == account


def test_the_world_can_be_asked_for(ad_sandbox: Sandbox) -> None:
    world = requests.get(f"{ad_sandbox.origin}/_sandbox/world", timeout=5).json()
    assert len(world["connections"]) == 14
    assert world["endpoints"]["facebook"]["api"] == f"{ad_sandbox.origin}/graph.facebook.com/v26.0"
    own = world["connections"][0]
    assert own["credentials"]["sync_config"]["lookback_days"] == 30
    assert datetime.fromisoformat(own["credentials"]["oauth"]["expires_at"]) == NOW + timedelta(seconds=3599)
    requests.get(f"{ad_sandbox.endpoints('facebook')['api']}/me?access_token=secret", timeout=5)
    log = requests.get(f"{ad_sandbox.origin}/_sandbox/log", timeout=5)
    assert log.json()[-1]["path"] == "/v26.0/me"
    assert "secret" not in log.text
    assert requests.get(f"{ad_sandbox.origin}/example.com/", timeout=5).status_code == 404


def test_a_stopped_sandbox_answers_nothing_and_can_start_again() -> None:
    sandbox = Sandbox(7, lambda: NOW)
    with requests.Session() as kept:
        with sandbox:
            url = f"{sandbox.origin}/_sandbox/world"
            assert kept.get(url, timeout=5).status_code == 200
        with pytest.raises(requests.exceptions.ConnectionError):
            kept.get(url, timeout=5)
    with pytest.raises(RuntimeError, match="not been started"):
        _ = sandbox.origin
    with sandbox.start() as again:
        assert requests.get(f"{again.origin}/_sandbox/world", timeout=5).status_code == 200


@pytest.mark.parametrize("platform", PLATFORMS)
def test_tokens_of_an_earlier_start_are_still_good(platform: str) -> None:
    wanted = next(name for name in PLATFORMS if name == platform)
    before = TokenBook(7, lambda: NOW).issue(wanted, "1")
    after = TokenBook(7, lambda: NOW + timedelta(minutes=30))
    assert after.check(wanted, before.access_token).account_id == "1"
    assert after.refresh(wanted, before.refresh_token).access_token != before.access_token
    with pytest.raises(TokenInvalidError):
        after.check(wanted, before.refresh_token)
    with pytest.raises(TokenInvalidError):
        TokenBook(8, lambda: NOW).check(wanted, before.access_token)
    after.expire(wanted, "1")
    with pytest.raises(TokenExpiredError):
        after.check(wanted, before.access_token)
    after.revoke(wanted, "1")
    with pytest.raises(TokenRevokedError):
        after.refresh(wanted, before.refresh_token)
    assert "access" not in repr(before)


def test_the_same_world_can_be_served_on_another_day() -> None:
    before, after = Sandbox(7, lambda: NOW), Sandbox(7, lambda: NOW + timedelta(days=9), today=NOW.date())
    account = before.world.accounts("google")[0].id
    seen = NOW + timedelta(days=9)
    assert after.world.campaigns("google", account, seen) == before.world.campaigns("google", account, seen)
    assert after.world.daily("google", account, "campaign", NOW.date(), seen)


def test_a_port_that_is_taken_is_an_error_of_the_system(ad_sandbox: Sandbox) -> None:
    with pytest.raises(OSError, match="Address already in use"):
        Sandbox(port=ad_sandbox.port).start()
