"""The touches of a day's events, and which of its events name a campaign or convert. Pure.

A touch is an event that names a campaign, unless the session goes on with the campaign or click that it named last
(naming.py). A session is that of assets/sessions, on one UTC day. An event that is refused makes no touch; where its
visitor agrees later in the session, the touch is made at that moment. What does not belong here: conversions
(conversions.py), which events are refused (assets/consent), reading the lake and writing rows (build.py).
"""

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import polars as pl

from assets.attribution.naming import MARKS, Named, Texts, named
from assets.attribution.text import key
from assets.consent.learning import may_signal
from assets.rollups.definition import LARGEST_VALUE
from assets.sessions.definition import Origin, begins, hashed

# Increase it when the meaning of a touch or conversion changes: days made under another version are made again.
VERSION = 4

SESSION = ["org_tag", "session_id", "anonymous_id"]
THIN = (*SESSION, "timestamp", "event_id", "user_id", "consent_marketing")
_ADDRESS = pl.coalesce(pl.col("page_search").replace("", None), pl.col("page_url"))


def relevant(
    events: pl.LazyFrame,
    conversion_types: Mapping[str, Collection[str]],
    default: Collection[str],
    refund_types: Mapping[str, Collection[str]],
) -> pl.LazyFrame:
    """The raw events that may name a campaign or convert, doubles among them, in the columns that `single`, `named_by`
    and others read.

    conversion_types: by organisation's tag; `default` for the others. refund_types: by tag. Their events, and those
    with a negative value, reduce the revenue of another conversion.
    """
    refunds = _of_types(refund_types)
    converts = _of_types(conversion_types) | (
        pl.col("event_type").is_in(list(default)) & ~pl.col("org_tag").is_in(list(conversion_types))
    )
    marked = _ADDRESS.str.contains_any(list(MARKS), ascii_case_insensitive=True).fill_null(value=False)
    said = [pl.col(name).replace("", None) for name in Texts._fields if name != "query"]
    return events.select(
        *THIN,
        "user_agent",
        pl.when(converts | refunds).then(pl.col("event_data")).otherwise(may_signal()).alias("event_data"),
        pl.when(pl.col("event_value").abs() < LARGEST_VALUE).then(pl.col("event_value")).alias("value"),
        *said,
        pl.when(marked).then(_ADDRESS).alias("query"),
        (converts | refunds).alias("converts"),
        (refunds | (pl.col("event_value") < 0)).fill_null(value=False).alias("refund"),
    ).filter(
        pl.col("converts")
        | pl.any_horizontal(pl.col(name).is_not_null() for name in Texts._fields if name != "utm_source")
    )


def _of_types(types: Mapping[str, Collection[str]]) -> pl.Expr:
    # One list for all organisations, because a condition for each would be evaluated for every event.
    own = [f"{org}\0{event_type}" for org, of_org in types.items() for event_type in of_org]
    return pl.concat_str("org_tag", "event_type", separator="\0").is_in(own)


def single(events: pl.DataFrame) -> pl.DataFrame:
    """One day's events without another writer's doubles: of events with the same id the earliest stays."""
    return events.sort("org_tag", "timestamp", "event_id").unique(
        ["org_tag", "event_id"], keep="first", maintain_order=True
    )


def named_by(events: pl.DataFrame, sources: Mapping[str, Mapping[str, str]]) -> tuple[pl.DataFrame, list[Named]]:
    """The events with `name`, the place in the list of what each names; those that neither name a campaign nor convert
    are left out.

    sources: the platforms of an organisation's own values of utm_source, by tag.
    """
    texts = events.select("org_tag", *Texts._fields)
    said = texts.unique(maintain_order=True)
    names, places = list[Named](), list[int | None]()
    for org, *fields in said.iter_rows():
        name = named(Texts(*fields), sources.get(org, {}))
        places.append(None if name is None else len(names))
        if name is not None:
            names.append(name)
    placed = texts.join(
        said.with_columns(name=pl.Series(places, dtype=pl.Int64)),
        on=["org_tag", *Texts._fields],
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    found = events.drop(*Texts._fields).with_columns(placed["name"])
    return found.filter(pl.col("converts") | pl.col("name").is_not_null()), names


def naming(events: pl.DataFrame) -> pl.DataFrame:
    """Those of the events of `named_by` that name a campaign."""
    return events.filter(pl.col("name").is_not_null())


def sessions_of(events: pl.LazyFrame, naming: pl.DataFrame) -> pl.LazyFrame:
    """All events of the sessions that some events are of, doubles among them: ids, times, and what consent is read
    from."""
    return events.select(*THIN, may_signal()).join(naming.lazy().select(SESSION).unique(), on=SESSION, how="semi")


def judged(sessions: pl.DataFrame, events: pl.DataFrame, refused: Callable[[pl.DataFrame], pl.Series]) -> pl.DataFrame:
    """The events of whole sessions with `name` and `refused`.

    events: those of `named_by`, with `refused`. refused: asked about all events of sessions in which one that names a
    campaign is refused, because there alone another one may agree to it.
    """
    known = sessions.join(
        events.select("org_tag", "event_id", "name", "refused"), on=["org_tag", "event_id"], how="left"
    )
    doubtful = sessions.join(naming(events).filter("refused"), on=SESSION, how="semi")
    answers = doubtful.select("org_tag", "event_id").with_columns(refused(doubtful).alias("asked"))
    return known.join(answers, on=["org_tag", "event_id"], how="left").with_columns(
        refused=pl.coalesce("refused", "asked", pl.lit(value=False))
    )


def touches(events: pl.DataFrame, names: Sequence[Named], people_tags: Mapping[str, str]) -> pl.DataFrame:
    """The touches of one UTC day, in the columns of attribution.touches without app.

    events: those of whole sessions, with `name`, the place in `names`, and `refused`. people_tags: by tag; a tag that
    is not there is its own.
    """
    chained = (
        events.sort(*SESSION, "timestamp", "event_id")
        .with_columns(chain=begins(Origin.TRACKER).fill_null(value=True).cum_sum())
        .with_columns(
            session_begins=pl.col("timestamp").first().over("chain"),
            session_ends=pl.col("timestamp").last().over("chain"),
            # Only there an event that names nothing may make a touch: it may agree.
            doubtful=(pl.col("refused") & pl.col("name").is_not_null()).any().over("chain"),
        )
    )
    rows = chained.filter(pl.col("doubtful") | pl.col("name").is_not_null())
    places = list(_touched(rows.select("chain", "name", "refused"), names))
    made = rows.with_columns(name=pl.Series(places, dtype=pl.Int64)).filter(pl.col("name").is_not_null())
    of = [names[place] for place in made["name"]]
    people = made["org_tag"].replace_strict(people_tags, default=made["org_tag"], return_dtype=pl.String)
    return made.select(
        pl.col("timestamp").dt.date().alias("day"),
        "org_tag",
        hashed(made["org_tag"], made["anonymous_id"]).alias("visitor"),
        hashed(people, made["anonymous_id"]).alias("browser"),
        hashed(made["org_tag"], made["session_id"]).alias("session"),
        pl.col("timestamp").alias("at"),
        "session_begins",
        "session_ends",
        pl.Series("named_platform", [name.platform for name in of], pl.String),
        _bytes("click", [click_hash(name.click) if name.click else None for name in of]),
        pl.Series("click_parameter", [name.parameter for name in of], pl.String),
        pl.Series("utm_campaign", [name.campaign for name in of], pl.String),
        pl.Series("utm_content", [name.content for name in of], pl.String),
        *(
            _bytes(f"{text}_key", [key(getattr(name, text)) for name in of])
            for text in ("campaign", "content", "campaign_id", "ad_id")
        ),
    ).unique(["org_tag", "visitor", "session", "at"], keep="first", maintain_order=True)


def _touched(events: pl.DataFrame, names: Sequence[Named]) -> Iterator[int | None]:
    """Of each event the place of what it makes a touch of, None where it makes none; the events are in order."""
    last: Named | None = None
    waiting: int | None = None
    session = None
    for chain, place, refused in events.iter_rows():
        if chain != session:
            session, last, waiting = chain, None, None
        if refused:
            waiting = waiting if place is None else place
            yield None
            continue
        place, waiting = (waiting if place is None else place), None
        if place is None or (last is not None and names[place].goes_on(last)):
            yield None
            continue
        last = names[place]
        yield place


def _bytes(name: str, values: Sequence[bytes | None]) -> pl.Series:
    return pl.Series(name, values, pl.Binary)


def click_hash(click_id: str) -> bytes:
    """A click id as 16 bytes that cannot be read back; the same id gives the same bytes, so that both sides join."""
    return hashlib.blake2b(click_id.encode(), digest_size=16).digest()
