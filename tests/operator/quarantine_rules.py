"""What operators do with refused lines, in any order and with kills; what is true after each step; the way out."""

import gzip
import itertools
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from assets.intake.refused_lines import RefusedLine
from tests.assets.event_pipeline import INGEST_DEATHS, line
from tests.operator.at_work import SHARE, Operator, at
from tests.operator.world import World, lines_of, numbers

# How lines are wrong: not at all, of an organisation that may become known, or so that only a correction helps.
KINDS = st.lists(st.sampled_from(("good", "unknown", "broken")), min_size=1, max_size=4)
# Too few lines come often, because a correction that closes more than it lands is the worst of them.
CORRECTIONS = st.sampled_from(("true", "wrong", "fewer", "fewer", "fewer", "empty", "binary"))
DIES = st.none() | st.integers(1, 60)
WAYS_OUT = 6


class QuarantineRules:
    """Rules over a `World`. A subclass sets it and `operator`, and begins with `lines_are_refused`."""

    world: World
    operator: Operator

    def lines_are_refused(self) -> None:
        """Lines of both kinds are refused, and an object as a whole."""
        self.world.reset()
        self.numbers = itertools.count()
        self.kinds: dict[int, str] = {}
        self.wrong: list[str] = []
        self.land(["good", "unknown", "broken"], "", None)
        self.land(["good", "broken"], "cut", None)
        self.world.ingest()

    @rule(kinds=KINDS, packed=st.sampled_from(("", "gzip", "cut")), dies=DIES)
    def land(self, kinds: list[str], packed: str, dies: int | None) -> None:
        """Land a file of lines, and again."""
        made = {next(self.numbers): kind for kind in kinds}
        self.kinds |= made
        content = b"\n".join(_line(number, kind) for number, kind in made.items()) + b"\n"
        if packed:
            # Not compressed, so that its lines can be found where the gzip is cut.
            content = gzip.compress(content, compresslevel=0, mtime=0)[: -9 if packed == "cut" else None]
        file = self.world.folder / f"batch.ndjson{'.gz' if packed else ''}"
        file.write_bytes(content)
        self.operator.type("land", file.name, dies_at=dies)
        self.operator.until_good("land", file.name)
        self.world.expected |= set(made)

    @rule(dies=st.none() | st.sampled_from(INGEST_DEATHS))
    def ingest(self, dies: str | None) -> None:
        self.world.ingest(dies)

    @rule(known=st.booleans())
    def know(self, known: bool) -> None:
        """The organisation of refused lines becomes known, or unknown."""
        self.world.know("newone", known=known)

    @rule(how=st.sampled_from(("--all", "--reason", "--value", "--batch")), dies=DIES, share=SHARE)
    def replay(self, how: str, dies: int | None, share: float) -> None:
        """Replay what is cured."""
        chosen = {
            "--all": ("--all",),
            "--reason": ("--reason", "unknown_org_tag"),
            "--value": ("--field", "org_tag", "--value", "newone"),
            "--batch": ("--batch", self._batch(share)),
        }[how]
        self.operator.type("quarantine", "replay", *chosen, dies_at=dies)

    @rule(what=CORRECTIONS, packed=st.booleans(), dies=DIES, share=SHARE)
    def correct(self, what: str, packed: bool, dies: int | None, share: float) -> None:
        """Give a correction of one batch: the true one, or one that is none, or of other lines."""
        batch = self._batch(share)
        chosen = self._chosen(batch)
        lines = [self._true_line(number) for number in sorted(self._numbers(chosen))]
        if what == "wrong":
            others = {next(self.numbers): "unknown" for _ in chosen}
            self.kinds |= others
            lines = [_line(number, kind) for number, kind in others.items()]
        if what == "fewer":
            lines = lines[: max(1, len(chosen) - 1)]
        content = {"empty": b"", "binary": b"\x89PNG\r\n\x1a\n\0"}.get(what, b"\n".join(lines))
        (self.world.folder / "corrected").write_bytes(gzip.compress(content) if packed else content)
        said = self.operator.type("quarantine", "replay", "--batch", batch, "--corrected", "corrected", dies_at=dies)
        if chosen and (what in ("empty", "binary") or len(lines) < len(chosen)):
            assert said is None or said.code == 1
            assert set(chosen) <= set(self._open()), "what is no correction closes nothing"
        # One line in the place of a whole batch is not fewer.
        if what in ("wrong", "fewer") and chosen:
            self.wrong.append(batch)

    @rule(dies=DIES, share=SHARE)
    def export(self, dies: int | None, share: float) -> None:
        """Take the open lines of a batch out."""
        batch = self._batch(share)
        chosen = self._chosen(batch)
        (self.world.folder / "exported").unlink(missing_ok=True)
        said = self.operator.type("quarantine", "export", batch, "exported", dies_at=dies)
        if said is not None and not said.code:
            assert numbers((self.world.folder / "exported").read_bytes()) == self._numbers(chosen)

    @rule(dies=DIES, share=SHARE)
    def reopen(self, dies: int | None, share: float) -> None:
        """Open again what some replay closed."""
        closed = sorted({refused.sha256 for refused in self.world.refused() if refused.replayed_at})
        if closed:
            self.operator.type("quarantine", "reopen", at(share, closed), dies_at=dies)
            self.operator.follow()

    @rule(days=st.sampled_from((31, 200)))
    def prune(self, days: int) -> None:
        """After 31 days, what was ingested leaves the landing zone; after 200, refused lines and their bytes go."""
        self.world.ingest()
        gone = self.world.refused() if days > 180 else []
        self.world.prune(days)
        for refused in gone:
            self.world.expected -= numbers(self.world.original(refused))

    @invariant()
    def every_refused_byte_is_kept(self) -> None:
        for refused in self.world.refused():
            assert self.world.kept(refused) == self.world.original(refused)

    @invariant()
    def no_replay_closes_more_lines_than_it_landed(self) -> None:
        closed = Counter(refused.replayed_as for refused in self.world.refused() if refused.replayed_as)
        for folder, lines in closed.items():
            landed = [content for key, content in self.world.landed.items() if key.startswith(f"{folder}/")]
            finished = all(refused.replayed_at for refused in self.world.refused() if refused.replayed_as == folder)
            assert lines <= sum(len(lines_of(content)) - 1 for content in landed) or not finished

    @invariant()
    def every_line_is_counted_and_no_event_doubled(self) -> None:
        assert self.world.unbalanced() == []
        doubled = {number: times for number, times in self.world.stored().items() if times > 1}
        assert not doubled

    def refused_lines_leave(self) -> None:
        """At the end: what the messages name, until nothing is refused and every event is stored, once."""
        self.world.know("newone", known=True)
        self.world.ingest()
        for batch in self.wrong:
            self.operator.type("quarantine", "reopen", batch)
        for _ in range(WAYS_OUT * (1 + len(self.world.refused()))):
            self.operator.type("quarantine", "replay", "--all")
            self.world.ingest()
            if self.operator.said.out == "Nothing to replay.\n":
                break
            self.operator.follow()
        else:
            raise AssertionError(f"no way out of {self._open()}")
        self.world.ingest()
        stored = self.world.stored()
        assert not self.world.expected - set(stored), "events are lost"
        assert set(stored.values()) <= {1}, "events are doubled"

    def corrected_by_hand(self, file: Path) -> None:
        """An exported file gets the true lines of the events that it names."""
        file.write_bytes(b"\n".join(self._true_line(number) for number in sorted(numbers(file.read_bytes()))))

    def _open(self) -> list[RefusedLine]:
        return [refused for refused in self.world.refused() if refused.replayed_at is None]

    def _chosen(self, batch: str) -> list[RefusedLine]:
        """The lines of a batch that no replay has begun to land."""
        return [refused for refused in self._open() if refused.sha256.startswith(batch) and not refused.replayed_as]

    def _numbers(self, lines: Iterable[RefusedLine]) -> set[int]:
        """The numbers of the events that lines name."""
        return set().union(*(numbers(self.world.original(refused)) for refused in lines))

    def _true_line(self, number: int) -> bytes:
        """The line of an event as it should have been. Its organisation stays, because that is a part of an event's
        identity: what is stored under one organisation and opened again would be stored under both.
        """
        return _line(number, "unknown" if self.kinds[number] == "unknown" else "good")

    def _batch(self, share: float) -> str:
        """The checksum of a batch with open lines, or of none."""
        return at(share, sorted({refused.sha256 for refused in self._open()}) or ["none"])


def _line(number: int, kind: str) -> bytes:
    """The line of an event; a broken one still names it."""
    if kind == "unknown":
        return line(number, org_tag="newone")
    return line(number) if kind == "good" else b'{"event_id": "event-%d", ' % number
