"""One staged slice inside the transaction that merges it: its records, the parameters of its statements, its counts.

What belongs here: what entities, facts and the account have in common. What does not: what is written of either
(entities.py, facts.py, merge.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from assets.ads import plan
from assets.ads.normalise import AccountContext
from assets.ads.staging import SliceManifest, Staging
from assets.apps import App
from resources.ad_platforms import Account, MalformedPageError, Notes, Platform, Record, Stream
from resources.postgres import Connection
from resources.sql_files import read_sql


@dataclass
class MergeResult:
    """What a merge did: pages and records read, rows written by kind.

    restated: final days that differ from before. unlisted: entities that have facts and are on no list. doubtful: days
    that the platform no longer names although it may still list their entities, so that they were kept. superseded: a
    later observation was stored already.
    """

    pages: int = 0
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    restated: int = 0
    unlisted: int = 0
    doubtful: int = 0
    superseded: bool = False
    notes: Notes = field(default_factory=Notes)
    account: Account | None = None

    def wrote(self, counts: tuple[int, int]) -> None:
        """Count rows that were inserted and updated."""
        self.inserted += counts[0]
        self.updated += counts[1]


class Slice:
    """A slice and its transaction. `result` counts what is done with it."""

    def __init__(
        self,
        app: App,
        platform: Platform,
        staging: Staging,
        manifest: SliceManifest,
        connection: Connection,
        now: datetime,
    ) -> None:
        self.platform = platform
        self.manifest = manifest
        self.result = MergeResult(pages=len(manifest.pages))
        self.context = AccountContext(
            org_id=manifest.org_id,
            platform=manifest.platform,
            account_id=manifest.account_id,
            currency=manifest.currency,
            run_id=manifest.run_id,
            observed_at=manifest.observed_at,
            now=now,
            statuses=platform.statuses,
        )
        self.today = plan.local_day(manifest.observed_at, manifest.time_zone) if manifest.time_zone else None
        self.counting = platform.counts(manifest.actions)
        named = [
            (action, number, place)
            for number, actions in enumerate(self.counting.alternatives)
            for place, action in enumerate(actions)
        ]
        self.parameters: dict[str, Any] = {
            **manifest.parameters(app),
            "level": manifest.stream.level.value,
            "currency": manifest.currency,
            "time_zone": manifest.time_zone,
            "attribution": manifest.attribution,
            "today": self.today,
            "final_until": plan.final_until(manifest.days, self.today) if manifest.days and self.today else None,
            "now": now,
            "actions": [action for action, _, _ in named],
            "alternatives": [number for _, number, _ in named],
            "places": [place for _, _, place in named],
            "windows": list(self.counting.windows),
        }
        self._staging = staging
        self._connection = connection

    @property
    def connection(self) -> Connection:
        """The connection whose transaction it is."""
        return self._connection

    def execute(self, name: str, parameters: dict[str, Any] | None = None, /, **names: str) -> int:
        """Execute a statement of sql/ads by its name, with names of tables and columns put in; how many rows it met."""
        statement = read_sql(f"ads/{name}.sql").format(**names) if names else read_sql(f"ads/{name}.sql")
        return self._connection.execute(statement, {**self.parameters, **(parameters or {})}).rowcount

    def written(self, statement: str) -> tuple[int, int]:
        """Execute a statement that gives how many rows it inserted and updated."""
        counts = self._connection.execute(statement, self.parameters).fetchone()
        assert counts is not None  # an aggregate gives one row
        return counts["inserted"], counts["updated"]

    def any(self, statement: str, **parameters: Any) -> bool:
        """Whether a statement gives a row."""
        return self._connection.execute(statement, {**self.parameters, **parameters}).fetchone() is not None

    def counted(self) -> Iterator[Record]:
        """The records of the slice, counted in `result`, as are the words in them that are not known."""
        for record in self.records(self.result.notes):
            self.result.rows += 1
            yield record

    def records(self, notes: Notes) -> Iterator[Record]:
        """The records of the slice; an error names the page."""
        manifest = self.manifest
        for number, (body, context) in enumerate(self._staging.bodies(manifest), 1):
            try:
                yield from self.platform.read(manifest.stream, body, context, notes)
            except MalformedPageError as error:
                raise MalformedPageError(f"{manifest.stream.value} page {number}: {error}") from None

    def is_superseded(self) -> bool:
        """Whether a later observation of the stream is stored."""
        return self.any(
            "select 1 from ads.sync_state where app = %(app)s and connection_id = %(connection_id)s"
            " and stream = %(stream)s and observed_at > %(observed_at)s"
        )

    def lists_merged(self, lists: tuple[Stream, ...]) -> bool:
        """Whether the run of the slice has merged all these lists, so that what is not on them is gone."""
        # Of the run's own slices, because the state of a stream is that of another run which merged its list meanwhile.
        return not self.any(
            "select 1 from unnest(%(lists)s::text[]) as list (stream) where not exists ("
            " select from ads.sync_slices s where s.app = %(app)s and s.run_id = %(run_id)s"
            " and s.stream = list.stream and s.state = 'merged')",
            lists=[stream.value for stream in lists],
        )
