"""What operators do with refused lines, in any order and with kills; what is true after each step; the way out."""

import gzip
import itertools
from typing import ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from assets.intake.refused_lines import RefusedLine
from tests.assets.event_pipeline import INGEST_DEATHS, line
from tests.operator.world import World, commands, numbers

# How lines are wrong: not at all, of an organisation that may become known, or so that only a correction helps.
KINDS = st.lists(st.sampled_from(("good", "unknown", "broken")), min_size=1, max_size=4)
DEATHS = st.none() | st.integers(1, 8)
WAYS_OUT = 6
MIGRATION = 17


class QuarantineRules(RuleBasedStateMachine):
    """Rules over a `World`. Others join by inheritance; each adds to `leave` how its own states are left."""

    world: ClassVar[World]

    @initialize()
    def begin(self) -> None:
        self.world.reset()
        self.numbers = itertools.count()
        self.wrong: list[str] = []
        self.land(["good", "unknown", "broken"], "", None)
        self.land(["good", "broken"], "cut", None)
        self.world.ingest()

    @rule(kinds=KINDS, packed=st.sampled_from(("", "gzip", "cut")), dies=st.none() | st.integers(1, 2))
    def land(self, kinds: list[str], packed: str, dies: int | None) -> None:
        """Land a file of lines, and again."""
        made = {next(self.numbers): kind for kind in kinds}
        content = b"\n".join(_line(number, kind) for number, kind in made.items()) + b"\n"
        if packed:
            # Not compressed, so that its lines can be found where the gzip is cut.
            content = gzip.compress(content, compresslevel=0, mtime=0)[: -9 if packed == "cut" else None]
        file = self.world.folder / f"batch.ndjson{'.gz' if packed else ''}"
        file.write_bytes(content)
        self.world.run("land", file.name, dies=dies)
        said = self.world.run("land", file.name)
        assert said is not None
        assert said.code == 0
        self.world.expected |= set(made)

    @rule(dies=st.none() | st.sampled_from(INGEST_DEATHS))
    def ingest(self, dies: str | None) -> None:
        self.world.ingest(dies)

    @rule(known=st.booleans())
    def know(self, known: bool) -> None:
        """The organisation of refused lines becomes known, or unknown."""
        self.world.know("newone", known=known)

    @rule(how=st.sampled_from(("--all", "--reason", "--value", "--batch")), dies=DEATHS, data=st.data())
    def replay(self, how: str, dies: int | None, data: st.DataObject) -> None:
        """Replay what is cured."""
        chosen = {
            "--all": ("--all",),
            "--reason": ("--reason", "unknown_org_tag"),
            "--value": ("--field", "org_tag", "--value", "newone"),
            "--batch": ("--batch", self._batch(data)),
        }[how]
        self.world.run("quarantine", "replay", *chosen, dies=dies)

    @rule(what=st.sampled_from(("true", "wrong", "fewer", "empty", "binary")), dies=DEATHS, data=st.data())
    def correct(self, what: str, dies: int | None, data: st.DataObject) -> None:
        """Give a correction of one batch: the true one, or one that is none, or of other lines."""
        batch = self._batch(data)
        before = self._open()
        chosen = [refused for refused in before if refused.sha256.startswith(batch)]
        affected = set().union(*(numbers(self.world.original(refused)) for refused in chosen))
        lines = [line(number) for number in sorted(affected)]
        if what == "wrong":
            lines = [_line(next(self.numbers), "unknown") for _ in chosen]
        if what == "fewer":
            lines = lines[: max(1, len(chosen) - 1)]
        content = {"empty": b"", "binary": b"\x89PNG\r\n\x1a\n\0"}.get(what, b"\n".join(lines))
        (self.world.folder / "corrected").write_bytes(gzip.compress(content) if data.draw(st.booleans()) else content)
        said = self.world.run("quarantine", "replay", "--batch", batch, "--corrected", "corrected", dies=dies)
        if what in ("empty", "binary") and chosen:
            assert said is not None
            assert said.code == 1
            assert self._open() == before, "what is no correction closes nothing"
        # One line in the place of a whole batch is not fewer.
        if what in ("wrong", "fewer") and chosen:
            self.wrong.append(batch)

    @rule(data=st.data(), dies=DEATHS)
    def reopen(self, data: st.DataObject, dies: int | None) -> None:
        """Open again what some replay closed."""
        closed = sorted({refused.sha256 for refused in self.world.refused() if refused.replayed_at})
        if closed:
            said = self.world.run("quarantine", "reopen", data.draw(st.sampled_from(closed)), dies=dies)
            for command in commands(said.err) if said is not None else ():
                self._follow(command)

    @rule(days=st.sampled_from((31, 200)))
    def prune(self, days: int) -> None:
        """After 31 days, what was ingested leaves the landing zone; after 200, refused lines and their bytes go."""
        self.world.ingest()
        gone = self.world.refused() if days > 180 else []
        self.world.prune(days)
        for refused in gone:
            self.world.expected -= numbers(self.world.original(refused))

    @rule()
    def migrate(self) -> None:
        """The newest migration of this room is taken back and applied again."""
        self.world.run("migrate", "down", "postgres", "--to", str(MIGRATION - 1), "--confirm")
        self.world.run("migrate", "up", "postgres")

    @invariant()
    def every_refused_byte_is_kept(self) -> None:
        for refused in self.world.refused():
            assert self.world.kept(refused) == self.world.original(refused)

    @invariant()
    def every_line_is_counted_and_no_event_doubled(self) -> None:
        assert self.world.unbalanced() == []
        doubled = {number: times for number, times in self.world.stored().items() if times > 1}
        assert not doubled

    def teardown(self) -> None:
        """The way out of any state: what the messages name, until nothing is refused and every event is stored."""
        if not hasattr(self, "wrong"):
            return
        self.world.know("newone", known=True)
        self.world.ingest()
        self.leave()
        self.world.ingest()
        stored = self.world.stored()
        assert not self.world.expected - set(stored), "events are lost"
        assert set(stored.values()) <= {1}, "events are doubled"

    def leave(self) -> None:
        """Leave the states of this room by the commands that their messages name."""
        for batch in self.wrong:
            self.world.run("quarantine", "reopen", batch)
        for _ in range(WAYS_OUT * (1 + len(self.world.refused()))):
            said = self.world.run("quarantine", "replay", "--all")
            assert said is not None
            self.world.ingest()
            if said.out == "Nothing to replay.\n":
                return
            note(said.err)
            for command in commands(said.err):
                self._follow(command)
        raise AssertionError(f"no way out of {self._open()}")

    def _follow(self, command: list[str]) -> None:
        """Do what a message says. FILE is exported, and corrected where the next command gives it."""
        file = self.world.folder / "FILE"
        if "--corrected" in command:
            exported = numbers(file.read_bytes())
            file.write_bytes(b"\n".join(line(number) for number in sorted(exported)))
        said = self.world.run(*command)
        assert said is not None
        assert said.code == 0, said

    def _open(self) -> list[RefusedLine]:
        return [refused for refused in self.world.refused() if refused.replayed_at is None]

    def _batch(self, data: st.DataObject) -> str:
        """The checksum of a batch with open lines, or of none."""
        return data.draw(st.sampled_from(sorted({refused.sha256 for refused in self._open()}) or ["none"]))


def _line(number: int, kind: str) -> bytes:
    """The line of an event; a broken one still names it."""
    if kind == "unknown":
        return line(number, org_tag="newone")
    return line(number) if kind == "good" else b'{"event_id": "event-%d", ' % number
