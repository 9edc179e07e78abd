"""The real room of Workers KV: Cloudflare's HTTP API, or its local runtime with the same paths.

Every call may be repeated, because a second put or delete of the same keys changes nothing.
"""

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from resources.chunks import chunked, chunked_by_size
from resources.cloudflare import API, account_url, in_envelope
from resources.http import HttpError, Session
from resources.kv import limits
from resources.kv.protocol import KV, Entry, KeyInfo, KVError, hidden
from resources.meter import KV_DELETES, KV_LISTS, KV_READS, KV_WRITES, Count, nobody
from resources.verdicts import OK, Classify, Verdict, decoded

NOT_FOUND = 10009
TOO_LARGE = 413
REPLACED = "\N{REPLACEMENT CHARACTER}"
ENVELOPE_BYTES = 200
ROUNDS = 6
KEYS_SHOWN = 20
T = TypeVar("T")


class CloudflareKV(KV):
    """The namespace `namespace_id` of `account_id`; `session` is one of Cloudflare's API and holds the token.

    Cloudflare takes 10,000 pairs at once (`bulk_pairs`); its local runtime becomes much slower above 500. `count`
    gets what is charged for: each key, and each page of a listing.
    """

    settles_within = timedelta(minutes=2)  # twice what is documented

    def __init__(
        self,
        session: Session,
        account_id: str,
        namespace_id: str,
        *,
        api: str = API,
        bulk_pairs: int = limits.MAX_BULK_PAIRS,
        clock: Callable[[], float] = time.time,
        count: Count = nobody,
    ) -> None:
        self._session = session
        self._pacing_key = account_id
        self._url = f"{account_url(api, account_id)}/storage/kv/namespaces/{namespace_id}"
        self._namespace_id = namespace_id
        self._bulk_pairs = bulk_pairs
        self._clock = clock
        self._count = count
        self._in_envelope = in_envelope()

    def __repr__(self) -> str:
        return f"CloudflareKV({self._namespace_id!r})"

    def put_many(self, entries: Iterable[Entry]) -> None:
        """See `KV.put_many`; 10,000 pairs are one request."""
        pairs = ((entry.key, self._pair(entry)) for entry in entries)
        most_size = limits.MAX_BULK_BYTES - ENVELOPE_BYTES
        for chunk in chunked_by_size(pairs, lambda pair: len(pair[1]) + 1, most_size=most_size, most=self._bulk_pairs):
            self._count(KV_WRITES, len(chunk))
            self._until_all("PUT", "/bulk", dict(chunk))

    def get(self, key: str) -> bytes | None:
        """See `KV.get`; one request."""
        limits.check_key(key)
        self._count(KV_READS, 1)
        path = f"/values/{quote(key, safe='')}"
        response = self._request("GET", path, route="kv/values", classify=self._value)
        return response.content if response.ok else None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `KV.get_many`; one request for 100 keys, and one more for each value that is not UTF-8."""
        values: dict[str, bytes] = {}
        unique = list(dict.fromkeys(keys))
        for key in unique:
            limits.check_key(key)
        for chunk in chunked(unique, limits.MAX_BULK_GET):
            self._count(KV_READS, len(chunk))
            for key, text in self._get(chunk):
                # The bulk read decodes values as UTF-8, with U+FFFD for other bytes. The single read gives the bytes.
                value = self.get(key) if text is None or REPLACED in text else text.encode()
                if value is not None:
                    values[key] = value
        return values

    def delete_many(self, keys: Iterable[str]) -> None:
        """See `KV.delete_many`; 10,000 keys are one request."""
        for chunk in chunked(keys, self._bulk_pairs):
            for key in chunk:
                limits.check_key(key)
            self._count(KV_DELETES, len(chunk))
            self._until_all("POST", "/bulk/delete", {key: json.dumps(key).encode() for key in chunk})

    def list(self, prefix: str = "") -> Iterator[KeyInfo]:
        """See `KV.list`; one request for 1,000 keys."""
        params: dict[str, str] = {"limit": "1000", **({"prefix": prefix} if prefix else {})}
        while True:
            self._count(KV_LISTS, 1)
            body = decoded(self._request("GET", "/keys", route="kv/keys", params=params))
            for info in _checked(list, body.get("result"), "kv/keys"):
                name = _checked(str, _checked(dict, info, "kv/keys").get("name"), "kv/keys")
                yield KeyInfo(name, info.get("expiration"), info.get("metadata"))
            cursor = _checked(dict, body.get("result_info") or {}, "kv/keys").get("cursor")
            if not cursor:
                return
            params["cursor"] = cursor

    def scrub(self) -> timedelta:
        """See `KV.scrub`: places far away may still have it."""
        return self.settles_within

    def close(self) -> None:
        """See `KV.close`."""
        self._session.close()

    def _pair(self, entry: Entry) -> bytes:
        limits.check_entry(entry, self._clock())
        return _json(entry)

    def _until_all(self, method: str, path: str, items: dict[str, bytes]) -> None:
        """Send JSON items by key. Send those again that the answer lists as unsuccessful, even if it says success."""
        for attempt in range(ROUNDS):
            if attempt:
                self._session.pause(2.0**attempt)
            body = b"[" + b",".join(items.values()) + b"]"
            response = self._request(
                method, path, route=f"kv{path}", data=body, headers={"Content-Type": "application/json"}
            )
            result = _checked(dict, decoded(response).get("result") or {}, f"kv{path}")
            failed = set(_checked(list, result.get("unsuccessful_keys") or [], f"kv{path}"))
            items = {key: item for key, item in items.items() if key in failed}
            if not items:
                return
        shown = tuple(items)[:KEYS_SHOWN]
        raise KVError(limits.REFUSED, f"{len(items)} keys failed {ROUNDS} times, {hidden(shown[0])} among them", shown)

    def _get(self, keys: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        """Texts of those keys (100 at most) that exist; None for a key that the answer leaves out.

        The answer has null for a missing key. It may leave out an existing one, because JavaScript loses `__proto__`.
        Values that are too large for one answer are read in halves.
        """
        try:
            response = self._request(
                "POST", "/bulk/get", route="kv/bulk/get", json={"keys": list(keys), "type": "text"}
            )
        except HttpError as error:
            if error.status != TOO_LARGE or len(keys) == 1:
                raise
            middle = len(keys) // 2
            yield from self._get(keys[:middle])
            yield from self._get(keys[middle:])
            return
        result = _checked(dict, decoded(response).get("result"), "kv/bulk/get")
        values = _checked(dict, result.get("values"), "kv/bulk/get")
        for key in keys:
            if key not in values or values[key] is not None:
                yield key, values.get(key)

    def _value(self, response: requests.Response) -> Verdict:
        """A value comes as bytes without an envelope; the answer for a missing key is no error."""
        if response.ok:
            return OK
        verdict = self._in_envelope(response)
        return OK if response.status_code == 404 and verdict.code == str(NOT_FOUND) else verdict

    def _request(
        self, method: str, path: str, *, route: str, classify: Classify | None = None, **options: Any
    ) -> requests.Response:
        return self._session.request(
            method,
            self._url + path,
            route=route,
            idempotent=True,
            pacing_key=self._pacing_key,
            classify=classify or self._in_envelope,
            **options,
        )


def _checked(type_: type[T], part: Any, route: str) -> T:
    """A part of an answer; a KVError if it is not of this type, even if the envelope says success."""
    if not isinstance(part, type_):
        raise KVError(0, f"the answer to {route} has another form")
    return part


def _json(entry: Entry) -> bytes:
    pair: dict[str, Any] = {"key": entry.key}
    try:
        pair["value"] = entry.value.decode()
    except UnicodeDecodeError:
        pair |= {"value": base64.b64encode(entry.value).decode(), "base64": True}
    if entry.expires_at is not None:
        pair["expiration"] = entry.expires_at
    if entry.ttl is not None:
        pair["expiration_ttl"] = entry.ttl
    if entry.metadata is not None:
        pair["metadata"] = entry.metadata
    return json.dumps(pair, ensure_ascii=False, separators=(",", ":")).encode()
