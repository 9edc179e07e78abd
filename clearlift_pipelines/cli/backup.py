"""`clearlift backup`: back up a store, list and verify its backups, prove them by a drill, restore, give one up.

What belongs here: what people type and read. What does not: the work (assets/backups), which is imported by the command
that needs it, so that help starts at once.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from clearlift_pipelines.cli.moments import At
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.cli.tables import Column, Columns, Table, printed, to_the_second
from clearlift_pipelines.cli.terminal import Terminal, terminal
from resources.counts import counted, listed
from resources.declined import DeclinedError

if TYPE_CHECKING:
    from assets.backups.covered import Covered
    from assets.backups.manifest import Manifest
    from assets.backups.method import Scope
    from assets.backups.restore import Done
    from assets.backups.sets import Sets

ALL = "all"
NAMED = 8  # of what has no place
DAMAGED, UNREAD = "cannot be restored", "not verified for too long"
STORES = click.argument("names", metavar="[STORE…]", nargs=-1)


def _size(size: int | None) -> str:
    return "" if size is None else f"{size / 1e6:,.2f} MB"


BACKUPS = Columns(
    "backups",
    "backup list",
    {
        "store": "store",
        "set": "set",
        "kind": "kind",
        "moment": Column("moment (UTC)", to_the_second),
        "position": "position",
        "rows": "rows",
        "bytes": Column("size", _size),
        "state": "state",
        "needs": "needs",
    },
)


@click.group()
def backup() -> None:
    """Back up a store, list and verify its backups, prove them by a drill, restore from them, give up a damaged one.

    Example: clearlift backup list
    """


@backup.command()
@STORES
@click.option("--full", is_flag=True, help="A set that stands alone, also where an incremental would do.")
def run(names: tuple[str, ...], full: bool) -> None:
    """Back up stores, by default all: an incremental on the newest verified set, else a full one. It is read back.

    Example: clearlift backup run clearlift/d1
    """
    from assets.backups import covered

    with terminal() as opened:
        opened.progress.stop()

        def back_up(one: "Covered") -> None:
            made = one.backup(opened.stores).run(full=full)
            manifest = made.manifest
            because = f", because {made.full_because}" if made.full_because else ""
            click.echo(
                f"{one.name} {manifest.id}: {manifest.kind}{because}, {_size(manifest.size)} in "
                f"{counted(len(manifest.parts), 'part')}, {made.seconds:.1f} s, read back"
            )
            if made.unreadable:
                click.echo(
                    f"{one.name}: {counted(made.unreadable, 'earlier set')} cannot be read, because another key set "
                    f"sealed them or they are damaged. Next: clearlift backup list {one.name}",
                    err=True,
                )

        _each([covered.named(name) for name in names] or covered.every(), back_up, "backed up")


@backup.command("list")
@STORES
@printed
def list_(names: tuple[str, ...]) -> None:
    """List the backups of stores, by default of all: what each holds, whether it is verified, what it needs.

    An unfinished set is what an interrupted backup left, or one that was given up; rotation removes it. Exit code 1
    where a set cannot be opened, lacks what it needs, was damaged when verify last read it, or was never read for
    longer than a backup may be old. What lies in the parts now is read by verify alone.

    Example: clearlift backup list clearlift/d1
    """
    from assets.backups import covered
    from assets.backups.restore import readable
    from assets.backups.sets import find

    with terminal(makes_keys=False) as opened:
        opened.progress.stop()
        shown = BACKUPS.table()
        target = covered.target_of(opened.stores)
        now, longest = opened.stores.clock(), timedelta(hours=opened.stores.settings.limits.backup_hours)
        wrong: dict[str, int] = {}
        unread: dict[str, int] = {}
        foreign: list[Sets] = []
        for one in [covered.named(name) for name in names] or covered.every():
            sets = find(target, one.name)
            if sets.foreign:
                foreign.append(sets)
            waiting = [manifest.id for manifest in sets.unverified(now, longest)]
            _add(shown, sets, waiting, now)
            if found := len(sets.damaged) + sum(bool(sets.fault(manifest)) for manifest in sets.complete):
                wrong[str(one.name)] = found
            if waiting:
                unread[str(one.name)] = len(waiting)
        shown.show("There is no backup. Next: clearlift backup run")
        if foreign:
            readable(foreign[0])
        said = [f"{_of(of)} {what}" for of, what in ((wrong, DAMAGED), (unread, UNREAD)) if of]
        if said:
            raise DeclinedError("; ".join(said), f"`clearlift backup verify {next(iter(wrong | unread))}` reads them")


def _add(shown: Table, sets: "Sets", unread: Collection[str], now: datetime) -> None:
    """A row of the list for each set of a store; unread: those that were not verified for too long."""
    from assets.backups.target import begun_at

    name = str(sets.store)
    unknown = dict.fromkeys(("kind", "moment", "position", "rows", "bytes", "needs"))
    for manifest in sets.complete:
        age = f" for {counted((now - begun_at(manifest.id)).days, 'day')}" if manifest.id in unread else ""
        shown.add(
            store=name,
            set=manifest.id,
            kind=manifest.kind,
            moment=manifest.moment,
            position=manifest.until,
            rows=sum(table.rows for table in manifest.tables) if manifest.tables else None,
            bytes=manifest.size,
            state=f"{_state(sets, manifest)}{age}",
            needs=manifest.base,
        )
    for damaged in sets.damaged:
        state = f"{'does not open' if damaged.sealed else 'damaged'}: {damaged.reason}"
        shown.add(store=name, set=damaged.id, state=state, **unknown)
    for unfinished in sets.unfinished:
        shown.add(store=name, set=unfinished, state="unfinished", **unknown)


def _of(sets: Mapping[str, int]) -> str:
    """How many sets of which stores, in words."""
    return f"{counted(sum(sets.values()), 'set')} of {', '.join(sets)}"


@backup.command()
@click.argument("name", metavar="[STORE", required=False)
@click.argument("ids", metavar="[SET…]]", nargs=-1)
def verify(name: str | None, ids: tuple[str, ...]) -> None:
    """Read every byte of a store's sets, by default of all stores and all sets, with those that they need; name what
    is wrong.

    A set that is whole is marked as verified. Which set is which: clearlift backup list

    Example: clearlift backup verify clearlift/d1
    """
    from assets.backups import covered

    with terminal(makes_keys=False) as opened:
        try:
            stores = [covered.named(name)] if name else covered.every()
            _each(stores, lambda one: _verify(opened, one, ids, needed=name is not None), "verified")
        finally:
            opened.progress.stop()


def _verify(opened: Terminal, one: "Covered", ids: tuple[str, ...], *, needed: bool) -> None:
    """Verify the sets of one store, and print what is wrong. needed: that there is none is an error."""
    from assets.backups import covered
    from assets.backups.restore import readable
    from assets.backups.sets import find
    from assets.backups.verify import Verification

    target, name = covered.target_of(opened.stores), one.name
    sets = find(target, name)
    done = Verification(target, sets, opened.stores.clock(), opened.bar(f"{name}: sets read")).run(ids)
    if sets.foreign:
        readable(sets)
    for fault in dict.fromkeys(fault for read in done for fault in read.faults):
        click.echo(f"damaged {fault}")
    whole = [read for read in done if not read.faults]
    if done:
        click.echo(
            f"{counted(len(whole), 'set')} of {name} verified, {counted(sum(read.parts for read in done), 'part')} read"
        )
    if len(whole) < len(done):
        raise DeclinedError(
            f"{counted(len(done) - len(whole), 'set')} of {name} damaged",
            f"`clearlift backup run {name} --full`, then `clearlift backup forget {name} SET` where no copy is whole",
        )
    if needed and not done:
        raise DeclinedError(f"there is no backup of {name}", f"`clearlift backup run {name}`")


@backup.command()
@STORES
def drill(names: tuple[str, ...]) -> None:
    """Restore the newest backup of stores, by default of all, to a scratch place, and compare it.

    Example: clearlift backup drill clearlift/d1
    """
    from assets.backups import covered

    with terminal(makes_keys=False) as opened:
        opened.progress.stop()

        def drill_one(one: "Covered") -> None:
            drilled = one.drill(opened.stores).run()
            click.echo(
                f"{one.name}: {_what(drilled.done)}, compared; RTO {drilled.rto.total_seconds():.1f} s, "
                f"RPO {drilled.rpo.total_seconds():,.0f} s"
            )

        _each([covered.named(name) for name in names] or covered.every(), drill_one, "drilled")


@backup.command()
@click.argument("name", metavar=f"STORE|{ALL}")
@click.option("--at", type=At(), help="The newest state at or before a time, or a position; else the newest.")
@click.option("--table", "tables", multiple=True, help="Only this table; repeatable.")
@click.option("--organisation", "owners", multiple=True, help="Only rows of this organisation or person; repeatable.")
@click.option("--into", required=True, metavar="PLACE|live", help="A new file, folder or database; or the live store.")
@click.option("--confirm", is_flag=True, help="Write to the live store.")
def restore(
    name: str,
    at: datetime | str | None,
    tables: tuple[str, ...],
    owners: tuple[str, ...],
    into: str,
    confirm: bool,
) -> None:
    """Restore a store, or all of them to one moment, and compare what came back.

    People who were erased do not come back.

    Example: clearlift backup restore sesh/d1 --into restored.sqlite
    """
    from assets.backups import covered
    from assets.backups.method import Scope

    scope = Scope(at=at, tables=tables, owners=owners)
    with terminal(makes_keys=False) as opened:
        opened.progress.stop()
        if name == ALL:
            _restore_all(opened, scope, into, confirm)
            return
        done = covered.named(name).restore(opened.stores).run(scope, into, confirmed=confirm)
        _note(opened, name, into, done)
        click.echo(f"{name} restored into {into}: {_what(done)}, compared; {done.seconds:.1f} s")
        for note in done.restored.notes:
            click.echo(note)


@backup.command()
@click.argument("name", metavar="STORE")
@click.argument("set_id", metavar="SET")
@click.option("--confirm", is_flag=True, help="Do it; without, only say what would be given up.")
def forget(name: str, set_id: str, confirm: bool) -> None:
    """Give up a damaged set, and the sets that need it, so that the newest good one counts again.

    A good set is refused.

    Example: clearlift backup forget sesh/d1 20261130T011000Z-full-0123456789ab
    """
    from assets.backups import covered
    from assets.backups.forgetting import forget as give_up

    with terminal(makes_keys=False) as opened:
        opened.progress.stop()
        done = give_up(covered.target_of(opened.stores), covered.named(name).name, set_id, confirmed=confirm)
        click.echo(f"{name}: gave up {done}")
        if done.left is None:
            click.echo(f"No backup of {name} is good. Next: clearlift backup run {name} --full")


def _restore_all(opened: Terminal, scope: "Scope", into: str, confirm: bool) -> None:
    """Each store in turn; then what the stores may say differently of each other."""
    from assets.apps import APPS
    from assets.backups import covered
    from assets.backups.agreement import disagreements
    from assets.backups.restore import LIVE

    if not scope.whole or isinstance(scope.at, str):
        raise DeclinedError("tables, organisations and positions are of one store", f"name the store in place of {ALL}")
    reached = {}

    def restore_one(one: "Covered") -> None:
        place = into if into == LIVE else one.place_in(opened.stores, into)
        done = one.restore(opened.stores).run(scope, place, confirmed=confirm)
        _note(opened, str(one.name), place, done)
        reached[str(one.name)] = done.restored.moment
        click.echo(f"{one.name} restored into {place}: {_what(done)}, compared; {done.seconds:.1f} s")
        for note in done.restored.notes:
            click.echo(note)

    try:
        _each(covered.every(), restore_one, "restored")
    finally:
        for sentence in disagreements(reached, APPS):
            click.echo(sentence)


def _each(stores: Sequence["Covered"], work: Callable[["Covered"], None], done: str) -> None:
    """Do the work of each store, whether or not that of another one fails. Why one fails is a line of its own.

    Raises:
        DeclinedError: the one of the only store; else which stores were not `done`.
    """
    failed = []
    for one in stores:
        try:
            work(one)
        except DeclinedError as error:
            if len(stores) == 1:
                raise
            failed.append(str(one.name))
            click.echo(f"{one.name} was not {done}: {error}", err=True)
    if failed:
        raise DeclinedError(
            f"{len(failed)} of {len(stores)} stores were not {done}: {', '.join(failed)}",
            "do what their lines say, then run the same again",
        )


def _note(opened: Terminal, name: str, into: str, done: "Done") -> None:
    app, _, store = name.partition("/")
    noted(opened.stores, "changed", app, store, f"restored into {into}", rows=done.rows)


def _state(sets: "Sets", manifest: "Manifest") -> str:
    if fault := sets.fault(manifest):
        return f"damaged: {fault}"
    return "verified" if sets.is_good(manifest) else "not verified"


def _what(done: "Done") -> str:
    """What came back, in words."""
    restored = done.restored
    erased = f", {restored.erased:,} of erased people left out" if restored.erased else ""
    left = f", no place for {listed(restored.left_out, NAMED)}" if restored.left_out else ""
    return (
        f"{counted(done.rows, 'row')} in {counted(len(restored.tables), 'table')} as of "
        f"{restored.moment:%Y-%m-%d %H:%M:%S} UTC (position {restored.until}){erased}{left}"
        f"{''.join(f', {note}' for note in done.notes)}"
    )
