"""What can be said of an application, as plain data. Where an entry would need an `if`, it is a capability instead."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True)
class Table:
    """A table of the application's own database (D1), and its meaning."""

    name: str
    doc: str


@dataclass(frozen=True)
class Audience:
    """An app's web events: where they land, and which lake table holds them.

    org_tags: SQL under sql/ that gives `tag` and `active` of each organisation in the app's D1. org_tags_table: the
    table of D1 that it reads. landing: the prefix of R2 under which batches land by hour of arrival. receipts: the
    prefix of what says where the content of a file was landed first. quarantine: the prefix of what was refused of
    batches. table: the lake table, `namespace.name`. folder: the prefix of its data files. choices: SQL under sql/ that
    gives `id`, `org_tag`, `subject_kind` (visitor or user), `subject` (their id), `chosen_at` and `refuses` of each
    choice about marketing in the app's D1; None where it has no such list. choices_read: the tables that it reads.
    stream_fields: where a second source of events, a lake table of another program, has other names than the event
    record: its columns by the record's fields; a dot leads into a struct.
    """

    org_tags: str
    org_tags_table: str
    landing: str
    receipts: str
    quarantine: str
    table: str
    folder: str
    choices: str | None = None
    choices_read: tuple[str, ...] = ()
    stream_fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class AdAccounts:
    """The ad accounts that an app's organisations connected, in a table of its D1.

    table: it has the columns id, is_active, settings, settings_encrypted, sync_status, sync_error and last_synced_at.
    connections: SQL under sql/ that gives the active connections of platform ?1, or only the one whose id is ?2, as
    id, org_id, platform, account_id, settings, sealed (settings_encrypted) and tier. named: SQL that gives id, org_id,
    platform, account_id and is_active of every connection, the inactive ones too. raw: the prefix of R2 for the
    platforms' raw pages. rules: SQL that gives `org_tag`, `org_id` and `attribution` (JSON: the organisation's rules)
    of each data tag; None where web events are not attributed to campaigns. rules_read: the tables that it reads.
    """

    table: str
    connections: str
    named: str
    raw: str
    rules: str | None = None
    rules_read: tuple[str, ...] = ()


@dataclass(frozen=True)
class Ranking:
    """The first 50 of something in each range of days, the sums of the others and of all, and the period before.

    things: what is ranked, in the plural, as values have it. names: columns that tell them apart. figures: columns that
    are summed over the days; the first one ranks.
    """

    things: str
    names: tuple[str, ...]
    figures: tuple[str, ...]


@dataclass(frozen=True)
class CacheFamily:
    """Keys of an application's KV that are made alike, by one statement.

    key: a template such as "strain:{id}", whose fields are columns of the statement, each percent-encoded when
    filled in. store: "d1", "postgres" (ours), "app_postgres" (the app's own). statement: SQL under sql/ that yields
    the fields and `value` (JSON text), ordered by the key's fields, and `tenant` where it belongs to one
    organisation or user. reads: asset keys, below the application, that the statement reads. gathered_by: columns
    that distinguish the rows of one key, where the key's value is the JSON array of its rows' values in the order
    of these columns (a list may be longer than one row of D1 can be); empty where one row is one key. ranking: where
    there is one, the statement yields `org_tag`, `day` and its columns instead.
    """

    name: str
    doc: str
    key: str
    store: Literal["d1", "postgres", "app_postgres"]
    statement: str
    reads: tuple[tuple[str, str], ...] = ()
    gathered_by: tuple[str, ...] = ()
    ranking: Ranking | None = None


@dataclass(frozen=True)
class CacheAside:
    """Keys that the application itself writes to its KV, made of rows of one table; a changed row deletes them.

    keys: templates such as "strain:{id}:reviews", whose fields are columns that the change log keeps of the table, each
    percent-encoded when filled in.
    """

    table: str
    keys: tuple[str, ...]


@dataclass(frozen=True)
class Variant:
    """A JPEG that is made of each uploaded image: its longest side in pixels (None: as uploaded), its quality."""

    name: str
    longest_side: int | None
    quality: int


@dataclass(frozen=True)
class Media:
    """Images that people upload to R2, as `{root}/{userId}/…/{imageId}.jpg` (or .png, .webp).

    variants: what is made of each, stored beside it as `{imageId}-{name}.jpg`. sessions: the folder below a user's that
    has a folder for each session. series: the time series whose rows own images; a pruned row takes its images along.
    """

    root: str
    variants: tuple[Variant, ...]
    sessions: str
    series: str = ""


@dataclass(frozen=True)
class Series:
    """Rows of the application's D1 that lie in partitions by time: a table a month, folded later into one a year.

    name: of the view over all partitions; the partitions' names begin with it. time: the column that decides in which
    partition a row lies, a UTC text with milliseconds. key: columns that no two rows of a partition share. columns: all
    columns, in order. template: SQL under sql/ that makes a partition with its indexes and triggers; its variables are
    $table, $start and $end. doc: what the rows are, set where the application itself writes them.
    """

    name: str
    time: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    template: str
    doc: str = ""


@dataclass(frozen=True)
class Points:
    """Points of active sessions, which the app flushes to R2.

    series: where they are stored in its D1. prefix: where they land in R2 by hour of arrival. quarantine: the prefix of
    what was refused. users: the table of D1 whose `id` a point names.
    """

    series: Series
    prefix: str
    quarantine: str
    users: str


@dataclass(frozen=True)
class MetricSeries:
    """What the application's D1 counts by hour and user, and keeps by hour, day, week and month.

    hours: the series of the hourly metrics; tables of its name and `_daily`, `_weekly`, `_monthly` hold the others.
    details: the series that are counted. Each has a column `userId`, and a metric of its name that counts its rows.
    measured: SQL under sql/ that gives windowStart, userId, metric and amount (in millionths) of the details in
    [?2, ?3) whose hour is in `wanted`; its variables are the names of the details.
    """

    hours: Series
    details: tuple[Series, ...]
    measured: str


@dataclass(frozen=True)
class Experiments:
    """Experiments in the application's own Postgres database.

    table: their definitions, with the columns that sql/experiments/defined.sql reads. assignments: which unit (a user
    or a session) has which variant, with the columns that sql/experiments/assigned.sql reads. events: the table out of
    which metrics are counted; an experiment is judged for as long as all of its events are there. exposures: SELECT
    under sql/ with a row for each unit that has seen its variant: experiment_id, variant, exposed_at, and what
    `outcomes` reads of it; its parameters are the arrays `experiments` and `ends`. outcomes: SELECT under sql/ over
    these rows, which are `exposed` there: experiment_id, metric, variant and `value` of each unit that has one; its
    parameters are the arrays `measured` and `metrics`.
    """

    table: str
    assignments: str
    events: str
    exposures: str
    outcomes: str


@dataclass(frozen=True)
class Growth:
    """What an app's own Postgres database holds of its visitors: their events, leads, onboarding, messaging accounts.

    statements: the folder under sql/ that says all of it to the tables, a file for each thing that assets/growth asks.
    The other fields name the tables, with their schemas, for those who look at the graph. reports: the prefix of R2
    under which each report lies as `{report}/{day}.csv`.
    """

    statements: str
    events: str
    aggregations: str
    metrics: str
    leads: str
    onboarding: str
    accounts: str
    templates: str
    reports: str


@dataclass(frozen=True)
class Extraction:
    """A column of D1 whose values were a field of JSON before. key: the table's key, one column. source: the column
    that holds the JSON. path: where in it the value was.
    """

    table: str
    key: str
    column: str
    source: str
    path: str


@dataclass(frozen=True)
class LoggedTable:
    """A table whose changes are logged in its own database, by triggers.

    name: the table, in Postgres with its schema. row_id: the column that names a row in the log. keys: the columns
    whose values the log holds before and after a change. unique: other columns that no two rows share; `or replace`
    deletes a row of D1 that has the same value, and the log names that row too.
    """

    name: str
    row_id: str
    keys: tuple[str, ...]
    unique: tuple[str, ...] = ()
    store: Literal["d1", "postgres"] = "d1"


@dataclass(frozen=True)
class IntegrityRule:
    """What holds for every row of a table of the app's own database, by any writer.

    name: of the asset check. table: in Postgres with its schema. statement: SQL under sql/ that gives `id` (the row's
    key, one column) of each row for which it does not hold. severity: "error" where people are misled or something is
    lost until it is corrected, "warn" where somebody should look. asset: below the app, the asset that shows the check,
    where it is not the table of D1; a rule of Postgres names one.
    """

    name: str
    doc: str
    table: str
    statement: str
    severity: Literal["warn", "error"] = "error"
    store: Literal["d1", "postgres"] = "d1"
    asset: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        if self.store == "postgres" and self.asset is None:
            raise ValueError(f"rule {self.name}: name the asset that shows it, because a table of Postgres is none")

    @property
    def shown_on(self) -> tuple[str, str]:
        """The asset that shows the check: the named one, else the table's."""
        return self.asset or ("d1", self.table)


@dataclass(frozen=True)
class SearchIndex:
    """A full-text index of D1 (FTS5 with external content), which triggers keep in step with its table."""

    name: str
    table: str
