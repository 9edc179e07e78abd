"""Sealed columns as assets, one a table. The work is in move.py."""

from collections.abc import Iterator

from dagster import AssetCheckResult, AssetCheckSeverity, AssetsDefinition, MaterializeResult, ResourceParam

from assets.apps import App
from assets.description import app_asset, table
from assets.rooms import Rooms
from assets.sealing import ledger
from assets.sealing.field_store import store_of
from assets.sealing.fields import Field
from assets.sealing.move import Moved, Sealer
from resources.counts import counted
from resources.declined import DeclinedError

NOTHING_IN_CLEAR, NOT_WORN = "nothing_in_clear", "key_is_not_worn"


class SealingIsOffError(DeclinedError):
    """The app keeps its columns in clear, because a setting says so or because its Worker may read them so."""


def name_of(field: Field) -> str:
    """The name of the asset of a field's table."""
    return field.table.replace(".", "_")


def sealed(app: App, fields: tuple[Field, ...], *, is_on: bool, plain_hashes: bool) -> AssetsDefinition:
    """The asset of one table of an app. fields: its columns that are sealed."""
    first = fields[0]
    in_d1 = first.store == "d1"

    @app_asset(
        app,
        "sealing",
        name_of(first),
        store="d1" if in_d1 else "postgres",
        holds=[(first.store, first.table)],
        kinds={"cloudflare", "sqlite"} if in_d1 else {"postgres"},
        deps=[[app.name, "d1", first.table]] if first.table in app.tables else [],
        description=(
            f"Personal columns of `{first.table}`, sealed: {', '.join(f'`{field.rule.column}`' for field in fields)}. "
            "What an application writes in clear is sealed, read back, and only then blanked."
        ),
        pool="d1" if in_d1 else "postgres",
        checks={
            NOTHING_IN_CLEAR: "No row has a value in clear.",
            NOT_WORN: "The newest key has sealed fewer values than a key may.",
        },
    )
    def asset(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        if not is_on:
            raise SealingIsOffError(
                f"sealing is off for {app.name}",
                f"read docs/sealing.md, then set CLEARLIFT_SEALED__{app.name.upper()}=true",
            )
        keyring, store = rooms.keyring, store_of(rooms, app, first)
        sealer = Sealer(store, keyring, plain_hashes)
        moved = {field: sealer.move(field, rooms.progress(f"{field}: values sealed")) for field in fields}
        ledger.count_seals(rooms.postgres, keyring.newest, sum(one.sealed for one in moved.values()), rooms.clock())
        yield MaterializeResult(
            metadata={"columns": table([_row(field, one) for field, one in moved.items()]), "key": keyring.newest},
            check_results=[_nothing_in_clear(moved), _not_worn(rooms, keyring.newest)],
        )

    return asset


def _row(field: Field, moved: Moved) -> dict[str, str | int]:
    return {"column": field.rule.column, "sealed": moved.sealed, "blanked": moved.blanked, "in clear": moved.left}


def _nothing_in_clear(moved: dict[Field, Moved]) -> AssetCheckResult:
    left = {field.rule.column: one.left for field, one in moved.items() if one.left}
    return AssetCheckResult(
        check_name=NOTHING_IN_CLEAR,
        passed=not left,
        # The next run takes what an application wrote meanwhile; what stays is too long, or no text.
        severity=AssetCheckSeverity.WARN,
        description=(
            f"in clear: {', '.join(f'{n} of {column}' for column, n in left.items())}."
            " Next: run it again; what stays is longer than 550,000 bytes: shorten it in the application"
            if left
            else ""
        ),
        metadata={**left},
    )


def _not_worn(rooms: Rooms, key_id: int) -> AssetCheckResult:
    known = ledger.known(rooms.postgres).get(key_id)
    seals = known.seals if known else 0
    return AssetCheckResult(
        check_name=NOT_WORN,
        passed=known is None or not known.is_worn,
        severity=AssetCheckSeverity.ERROR,
        description=f"key {key_id} has sealed {counted(seals, 'value')}. Next: `clearlift keys rotate`"
        if known and known.is_worn
        else "",
        metadata={"seals": seals},
    )
