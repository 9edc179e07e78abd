"""The real room of Workers KV: Cloudflare's HTTP API, and its local runtime, which speaks the same paths.

Every call here may be repeated: a put or a delete of the same keys ends the same.
"""

import base64
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import requests

from resources.cloudflare import API, in_envelope
from resources.http import OK, Classify, HttpError, Session, Verdict, decoded
from resources.kv import limits
from resources.kv.namespace import Entry, KeyInfo, KVError

NOT_FOUND = 10009
TOO_LARGE = 413
REPLACED = "\N{REPLACEMENT CHARACTER}"
ENVELOPE_BYTES = 200
ROUNDS = 6
KEYS_SHOWN = 20
T = TypeVar("T")


class CloudflareKV:
    """The namespace `namespace_id` of `account_id`, through a session of Cloudflare's API that holds the token.

    `bulk_pairs` is 10,000 at Cloudflare; its local runtime slows down sharply above 500.
    """

    def __init__(
        self,
        session: Session,
        account_id: str,
        namespace_id: str,
        *,
        api: str = API,
        bulk_pairs: int = limits.MAX_BULK_PAIRS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._session = session
        self._bucket = account_id
        account = f"/accounts/{account_id}" if account_id else ""
        self._url = f"{api}{account}/storage/kv/namespaces/{namespace_id}"
        self._namespace_id = namespace_id
        self._bulk_pairs = bulk_pairs
        self._clock = clock
        self._in_envelope = in_envelope(_no_overruling)

    def __repr__(self) -> str:
        return f"CloudflareKV({self._namespace_id!r})"

    def put_many(self, entries: Iterable[Entry]) -> None:
        """See `KV.put_many`; 10,000 pairs are one request."""
        chunk: dict[str, bytes] = {}
        size = 0
        for entry in entries:
            limits.check_entry(entry, self._clock())
            pair = _pair(entry)
            size += len(pair) + 1 - len(chunk.pop(entry.key, b""))
            if chunk and (len(chunk) >= self._bulk_pairs or size > limits.MAX_BULK_BYTES - ENVELOPE_BYTES):
                self._put(chunk)
                chunk, size = {}, len(pair) + 1
            chunk[entry.key] = pair
        if chunk:
            self._put(chunk)

    def get(self, key: str) -> bytes | None:
        """See `KV.get`; one request."""
        limits.check_key(key)
        path = f"/values/{quote(key, safe='')}"
        response = self._request("GET", path, route="kv/values", classify=self._value)
        return response.content if response.ok else None

    def get_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """See `KV.get_many`; one request for 100 keys, and one more for each value that is not UTF-8."""
        found: dict[str, bytes] = {}
        wanted = list(dict.fromkeys(keys))
        for key in wanted:
            limits.check_key(key)
        for start in range(0, len(wanted), limits.MAX_BULK_GET):
            for key, text in self._get(wanted[start : start + limits.MAX_BULK_GET]):
                # The bulk read decodes as UTF-8 and puts U+FFFD for what is none; the single read gives the bytes.
                value = self.get(key) if text is None or REPLACED in text else text.encode()
                if value is not None:
                    found[key] = value
        return found

    def delete_many(self, keys: Iterable[str]) -> None:
        """See `KV.delete_many`; 10,000 keys are one request."""
        chunk: dict[str, bytes] = {}
        for key in keys:
            limits.check_key(key)
            chunk[key] = json.dumps(key).encode()
            if len(chunk) >= self._bulk_pairs:
                self._delete(chunk)
                chunk = {}
        if chunk:
            self._delete(chunk)

    def list(self, prefix: str = "") -> Iterator[KeyInfo]:
        """See `KV.list`; one request for 1,000 keys."""
        params: dict[str, str] = {"limit": "1000", **({"prefix": prefix} if prefix else {})}
        while True:
            body = decoded(self._request("GET", "/keys", route="kv/keys", params=params))
            for info in _of_kind(list, body.get("result"), "kv/keys"):
                name = _of_kind(str, _of_kind(dict, info, "kv/keys").get("name"), "kv/keys")
                yield KeyInfo(name, info.get("expiration"), info.get("metadata"))
            cursor = _of_kind(dict, body.get("result_info") or {}, "kv/keys").get("cursor")
            if not cursor:
                return
            params["cursor"] = cursor

    def close(self) -> None:
        """See `KV.close`."""
        self._session.close()

    def _put(self, pairs: dict[str, bytes]) -> None:
        self._until_all("PUT", "/bulk", pairs)

    def _delete(self, keys: dict[str, bytes]) -> None:
        self._until_all("POST", "/bulk/delete", keys)

    def _until_all(self, method: str, path: str, items: dict[str, bytes]) -> None:
        """Send JSON items by key, and those again that the service lists as unsuccessful, though it says success."""
        for attempt in range(ROUNDS):
            if attempt:
                self._session.pause(2.0**attempt)
            body = b"[" + b",".join(items.values()) + b"]"
            response = self._request(
                method, path, route=f"kv{path}", data=body, headers={"Content-Type": "application/json"}
            )
            result = _of_kind(dict, decoded(response).get("result") or {}, f"kv{path}")
            failed = set(_of_kind(list, result.get("unsuccessful_keys") or [], f"kv{path}"))
            items = {key: item for key, item in items.items() if key in failed}
            if not items:
                return
        shown = tuple(items)[:KEYS_SHOWN]
        raise KVError(limits.REFUSED, f"{len(items)} keys failed {ROUNDS} times, {shown[0]!r} among them", shown)

    def _get(self, keys: Sequence[str]) -> Iterator[tuple[str, str | None]]:
        """Texts of those of 100 keys that exist, None for one that the answer leaves out; too large ones in halves.

        A missing key is answered with null. One that is left out is in doubt: JavaScript loses `__proto__`.
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
        result = _of_kind(dict, decoded(response).get("result"), "kv/bulk/get")
        values = _of_kind(dict, result.get("values"), "kv/bulk/get")
        for key in keys:
            if key not in values or values[key] is not None:
                yield key, values.get(key)

    def _value(self, response: requests.Response) -> Verdict:
        """A value comes as its bytes, outside the envelope; a missing key is an answer too."""
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
            bucket=self._bucket,
            classify=classify or self._in_envelope,
            **options,
        )


def _no_overruling(code: int, message: str) -> Verdict | None:  # noqa: ARG001
    return None


def _of_kind(kind: type[T], found: Any, route: str) -> T:
    """A part of an answer, which must be of this kind whatever the envelope says of success."""
    if not isinstance(found, kind):
        raise KVError(0, f"{route} was answered with something else")
    return found


def _pair(entry: Entry) -> bytes:
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
