"""Envelopes: what a passphrase opens, and that nothing else does."""

import base64
import json
import random

import pytest

from resources.keyring import EnvelopeError, Keyring, envelope, unwrap, wrap

KEYS = Keyring({1: b"1" * 32, 7: b"7" * 32})
PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(envelope, "_COST", {"n": 2**4, "r": 8, "p": 1})


def test_the_passphrase_opens_all_keys_and_another_does_not() -> None:
    wrapped = wrap(KEYS, PASSPHRASE)
    assert unwrap(wrapped, PASSPHRASE).exported() == KEYS.exported()
    assert wrap(KEYS, PASSPHRASE) != wrapped
    assert json.loads(wrapped)["key_ids"] == [1, 7]
    for key in (b"1" * 32, b"7" * 32):
        assert base64.b64encode(key).decode() not in wrapped
    with pytest.raises(EnvelopeError, match="another passphrase"):
        unwrap(wrapped, PASSPHRASE + "!")


def test_the_cost_of_a_guess_is_what_is_recommended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    wrapped = wrap(KEYS, PASSPHRASE)
    assert {name: json.loads(wrapped)["scrypt"][name] for name in "nrp"} == {"n": 131072, "r": 8, "p": 1}
    assert unwrap(wrapped, PASSPHRASE).ids == {1, 7}


def test_no_changed_or_cut_envelope_opens_or_shows_a_key() -> None:
    wrapped, dice = wrap(KEYS, PASSPHRASE), random.Random(0)
    meant = json.loads(wrapped)
    for place in range(len(wrapped)):
        changed = wrapped[:place] + chr(dice.randrange(32, 127)) + wrapped[place + 1 :]
        for damaged in (changed, wrapped[:place]):
            try:
                if json.loads(damaged) == meant:
                    continue  # white space
            except ValueError:
                pass
            with pytest.raises(EnvelopeError) as refused:
                unwrap(damaged, PASSPHRASE)
            assert refused.value.__cause__ is None
            assert len(str(refused.value)) < 100


@pytest.mark.parametrize("passphrase", ["", "short", "a" * 15])
def test_a_passphrase_that_protects_nothing_is_refused(passphrase: str) -> None:
    with pytest.raises(EnvelopeError, match="16 are the fewest"):
        wrap(KEYS, passphrase)


def test_an_envelope_of_a_newer_release_and_one_that_would_take_all_memory_are_refused() -> None:
    document = json.loads(wrap(KEYS, PASSPHRASE))
    with pytest.raises(EnvelopeError, match="newer release"):
        unwrap(json.dumps({**document, "format": 2}), PASSPHRASE)
    for name, cost in {"n": 2**40, "r": 2**30, "p": 10**6}.items():
        trap = {**document, "scrypt": {**document["scrypt"], name: cost}}
        with pytest.raises(EnvelopeError, match="no envelope"):
            unwrap(json.dumps(trap), PASSPHRASE)
