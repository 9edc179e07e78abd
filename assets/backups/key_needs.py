"""Which keys the sets need that are not in the key set, over all stores: without them no set opens.

What belongs here: the look, by the oldest and the newest set of each store, because keys follow each other in time. All
sets are counted only where one of these does not open. What does not: envelopes of keys that are here (keys.py).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from assets.backups.at_once import at_once
from assets.backups.manifest import ManifestError, NewerFormatError
from assets.backups.sets import opens_any, read_manifest
from assets.backups.target import OtherKeySetError, StoreName, Target
from resources.counts import counted
from resources.declined import DeclinedError
from resources.keyring import KEY_BYTES, Keyring, KeySetError, SealError
from resources.r2 import ObjectNotFoundError, ObjectStore

BACK = "`clearlift keys open ENVELOPE FILE` brings them back; docs/recovery.md says how"
NO_SET = "no backup set needs one yet"
NO_KEYS = Keyring({2**32 - 1: bytes(KEY_BYTES)})
"""Opens nothing: for a look without a key set."""


class KeysMissingError(DeclinedError):
    """Sets need keys that are not in the key set."""


@dataclass(frozen=True)
class Needs:
    """What does not open. sets: how many sets there are. shut: how many of them do not open, by the key that each needs
    first, by its id and, where the sets name it, its fingerprint.
    """

    sets: int
    shut: Mapping[str, int]

    def __str__(self) -> str:
        keys = ", ".join(f"{key} ({counted(sets, 'set')})" for key, sets in sorted(self.shut.items()))
        of = f"{sum(self.shut.values()):,} of {counted(self.sets, 'backup set')}"
        return f"{of} cannot be opened without keys that are not here: {keys}"


def check_key_set(objects: ObjectStore, prefix: str, keyring: Callable[[], Keyring]) -> str:
    """Whether the key set is that of the sets, in words. It is not asked for where there is no set.

    Raises:
        KeysMissingError: there is no key set, or it opens no set.
        TargetError: the target does not answer.
    """
    blind = Target(objects, prefix, NO_KEYS)
    if not _any(blind):
        return NO_SET
    try:
        require_own(Target(objects, prefix, keyring()))
    except KeysMissingError:
        raise
    except DeclinedError as error:
        raise KeysMissingError(f"{error.reason}; {needs(blind)}", error.next_step) from None
    except KeySetError as error:
        raise KeysMissingError(f"{error}; {needs(blind)}", BACK) from None
    return "it opens backup sets"


def check_keys(objects: ObjectStore, prefix: str, keyring: Callable[[], Keyring]) -> str:
    """Whether each set has its key in the key set, in words.

    Raises:
        KeysMissingError: one has not.
        TargetError: the target does not answer.
    """
    if not _any(Target(objects, prefix, NO_KEYS)):
        return NO_SET
    if (found := needs(Target(objects, prefix, keyring()))).shut:
        raise KeysMissingError(str(found), BACK)
    return "all that the backup sets need are here"


def needs(target: Target) -> Needs:
    """What does not open with the keys of a target; TargetError where it does not answer."""
    ids = {store: target.ids(store) for store in target.stores()}
    ends = [(store, set_id) for store, of in ids.items() for set_id in {*of[:1], *of[-1:]}]
    if not any(_missing(target, ends)):
        return Needs(sum(map(len, ids.values())), {})
    found = [
        key for key in _missing(target, ((s, set_id) for s, of in ids.items() for set_id in of)) if key is not None
    ]
    return Needs(len(found), Counter(filter(None, found)))


def require_own(target: Target) -> None:
    """See that sets of another deployment, or those that a lost key set sealed, get none beside them.

    Raises:
        KeysMissingError: sets are there, and the key set opens none of them.
        TargetError: the target does not answer.
    """
    if not opens_any(target) and (found := needs(target)).shut:
        raise KeysMissingError(
            f"backups at {target.prefix}/ were sealed by another key set: {found}",
            f"{BACK}. For a deployment of its own, or where the keys are lost for good, set CLEARLIFT_BACKUP_PREFIX to "
            "another folder",
        )


def _missing(target: Target, sets: Iterable[tuple[StoreName, str]]) -> Iterator[str | None]:
    """The key that each of these sets needs and that is not here: empty where it opens or is damaged, None where it was
    never finished.
    """
    return at_once(partial(_missing_of, target), sets)


def _missing_of(target: Target, of: tuple[StoreName, str]) -> str | None:
    try:
        read_manifest(target, *of)
    except ObjectNotFoundError:
        return None
    except OtherKeySetError as error:
        return error.key
    except (SealError, ManifestError, NewerFormatError):
        pass
    return ""


def _any(target: Target) -> bool:
    return any(target.ids(store) for store in target.stores())
