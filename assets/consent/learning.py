"""The choices that a UTC day's events say: flags that refuse or change, signals of browsers, their known persons. Pure.

Only what can matter later is kept: of visitors who refused on the day, or were refused by a flag before. What does not
belong here: what a choice means (rule.py), storing it (stored.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

import polars as pl

from assets.consent.rule import SIGNAL, Choice, Choices, Subject, flag_choices
from assets.sessions.definition import hashed

READ = ("org_tag", "anonymous_id", "user_id", "timestamp", "consent_marketing", "event_data")
_FLAG, _MAY_SIGNAL = pl.col("consent_marketing"), pl.col("event_data").str.contains(f'"{SIGNAL}"', literal=True)
_VISITOR, _USER = ["org_tag", "anonymous_id"], ["org_tag", "user_id"]
_HAS_USER = pl.col("user_id").is_not_null() & (pl.col("user_id") != "")
Collect = Callable[[pl.LazyFrame], pl.DataFrame]


def signals() -> pl.Expr:
    """Whether an event says that its browser opted out. Any other value of the field, or broken JSON, says nothing."""
    return pl.col("event_data").str.json_path_match(f"$.{SIGNAL}").is_in(["true", "1"]).fill_null(value=False)


def may_signal() -> pl.Expr:
    """`event_data` where it may hold the signal, else null: what `signals` reads."""
    return pl.when(_MAY_SIGNAL).then(pl.col("event_data")).alias("event_data")


def subjects(events: pl.DataFrame, kind: str) -> list[Subject | None]:
    """The visitor or the user of each event; None where it has no user."""
    ids = events["anonymous_id" if kind == "visitor" else "user_id"]
    hashes = hashed(events["org_tag"], ids.fill_null(""))
    return [
        Subject(org, "visitor" if kind == "visitor" else "user", found) if name else None
        for org, name, found in zip(events["org_tag"], ids, hashes, strict=True)
    ]


def seen(events: pl.LazyFrame, collect: Collect, since: Mapping[Subject, datetime]) -> bool:
    """Whether one of some subjects has an event at its moment or later. events: in the columns of `READ`."""
    last = collect(events.group_by(*_VISITOR, "user_id").agg(pl.col("timestamp").max()))
    return any(
        subject is not None and subject in since and at >= since[subject]
        for kind in ("visitor", "user")
        for subject, at in zip(subjects(last, kind), last["timestamp"], strict=True)
    )


def learned(
    events: pl.LazyFrame, collect: Collect, refused_before: frozenset[Subject], users: Sequence[Choice]
) -> Iterator[Choice]:
    """The choices of a day.

    events: all of the day, in the columns of `READ`. collect: runs a query over them. refused_before: visitors whose
    newest flag before the day refuses. users: choices of users in the list or by signals, up to the end of the day.
    """
    signalled = collect(events.filter(_MAY_SIGNAL)).filter(signals())
    own = list(_of_signals(signalled))
    yield from own
    yield from _of_flags(events, collect, refused_before)
    of_users = Choices([*users, *(choice for choice in own if choice.subject.kind == "user")])
    known = {choice.subject for choice in (*users, *own) if choice.subject.kind == "user" and choice.refuses}
    yield from _of_known_persons(events, collect, of_users, known)


def _of_signals(signalled: pl.DataFrame) -> Iterator[Choice]:
    """The first signal of each browser, and of the person who is signed in there."""
    for kind, columns in (("visitor", _VISITOR), ("user", _USER)):
        rows = signalled if kind == "visitor" else signalled.filter(_HAS_USER)
        first = rows.group_by(columns, maintain_order=True).agg(pl.col("timestamp").min())
        for subject, at in zip(subjects(first, kind), first["timestamp"], strict=True):
            assert subject is not None, "a browser has an id, and persons without one are left out"
            yield Choice(subject, at, "signal", refuses=True)


def _of_flags(events: pl.LazyFrame, collect: Collect, refused_before: frozenset[Subject]) -> Iterator[Choice]:
    said = events.filter(_FLAG.is_not_null()).select(*_VISITOR, "timestamp", "consent_marketing")
    refusing = said.filter(~_FLAG).select(_VISITOR).unique()
    flags = collect(said.join(refusing, on=_VISITOR, how="semi"))
    if refused_before:
        agreeing = collect(said.filter(_FLAG).group_by(*_VISITOR, "consent_marketing").agg(pl.col("timestamp").min()))
        again = [subject in refused_before for subject in subjects(agreeing, "visitor")]
        agreed = agreeing.filter(pl.Series(again, dtype=pl.Boolean)).select(flags.columns)
        flags = pl.concat([flags, agreed])
    by_visitor: dict[tuple[str, str], list[tuple[datetime, bool]]] = {}
    for org, name, at, allowed in flags.iter_rows():
        by_visitor.setdefault((org, name), []).append((at, allowed))
    names = pl.DataFrame(list(by_visitor), schema=dict.fromkeys(_VISITOR, pl.String), orient="row")
    for subject, own in zip(subjects(names, "visitor"), by_visitor.values(), strict=True):
        assert subject is not None, "a visitor has an id"
        yield from flag_choices(subject, own)


def _of_known_persons(
    events: pl.LazyFrame, collect: Collect, of_users: Choices, known: Iterable[Subject]
) -> Iterator[Choice]:
    """The first event of each browser in which a person is signed in who has opted out by then."""
    wanted = frozenset(known)
    if not wanted:
        return
    users = collect(events.filter(_HAS_USER).select(_USER).unique())
    theirs = users.filter(pl.Series([user in wanted for user in subjects(users, "user")], dtype=pl.Boolean))
    seen = collect(
        events.filter(_HAS_USER).select(*_VISITOR, "user_id", "timestamp").join(theirs.lazy(), on=_USER, how="semi")
    ).sort("timestamp")
    found: set[Subject] = set()
    for visitor, user, at in zip(subjects(seen, "visitor"), subjects(seen, "user"), seen["timestamp"], strict=True):
        assert visitor is not None, "a visitor has an id"
        assert user is not None, "the users were asked for"
        if visitor not in found and of_users.opted_out(user, at):
            found.add(visitor)
            yield Choice(visitor, at, "signal", refuses=True)
