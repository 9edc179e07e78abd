"""Known bots, by their user agents: the patterns of the package crawler-user-agents, kept by its version. Pure.

A bot's event stays in the lake; it makes no touch and counts as no conversion. What does not belong here: robots that
say that they are browsers, which nobody can tell by their name.
"""

from datetime import date
from functools import cache

import polars as pl
from crawleruseragents import CRAWLER_USER_AGENTS_DATA


@cache
def pattern() -> str:
    """One pattern that finds every known bot in a user agent."""
    return "|".join(f"(?:{bot['pattern']})" for bot in CRAWLER_USER_AGENTS_DATA)


def listed_on() -> date:
    """The day on which the newest bot of the list was added to it."""
    newest = max(bot["addition_date"] for bot in CRAWLER_USER_AGENTS_DATA if "addition_date" in bot)
    return date.fromisoformat(newest.replace("/", "-"))


def marked(events: pl.DataFrame) -> pl.DataFrame:
    """The events with `bot`: whether a known one sent it. Those name no campaign. events: `user_agent` and `name`."""
    agents = events.select(pl.col("user_agent").unique()).filter(pl.col("user_agent").str.contains(pattern()))
    bot = pl.col("user_agent").is_in(agents["user_agent"].implode()).fill_null(value=False)
    return events.with_columns(bot=bot, name=pl.when(~bot).then("name"))
