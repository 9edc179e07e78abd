"""An S3 server on loopback that is far away: it waits before each answer, and counts requests by class and verb.

It runs in a process of its own (`python -m tests.standin.far_s3`), so that its work is in no figure of its client. It
keeps objects in memory, takes any credentials, and answers what the lake and the object store ask: whole objects,
ranges, conditional and multipart uploads, listings, deletes.
"""

import asyncio
import hashlib
import json
import re
import subprocess
import sys
import urllib.request
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

LONGEST_WAIT_MS = 1_000
PAGE = 1_000
_CONTROL = "/-/"
_KEY = re.compile(rb"<Key>([^<]*)</Key>")


@dataclass
class Answer:
    """status, headers and body of an answer. length: of a HEAD's object."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    length: int | None = None


class FarS3:
    """One bucket store in memory. wait_ms: before each answer."""

    def __init__(self) -> None:
        self.wait_ms = 0
        self.counts: Counter[str] = Counter()
        self._objects: dict[str, bytes] = {}
        self._keys: list[str] = []
        self._uploads: dict[str, dict[int, bytes]] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the requests of one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *lines = head.decode("latin-1").split("\r\n")
                method, target, _ = first.split(" ")
                headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines if line)}
                if headers.get("expect"):
                    writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                if target.startswith(_CONTROL):
                    answer = self._control(target.removeprefix(_CONTROL))
                else:
                    answer = self._answer(method, target, headers, body)
                    if self.wait_ms:
                        await asyncio.sleep(self.wait_ms / 1000)
                length = len(answer.body) if answer.length is None else answer.length
                told = {"Content-Length": str(length), "Date": formatdate(usegmt=True), **answer.headers}
                said = "".join(f"{name}: {value}\r\n" for name, value in told.items())
                writer.write(f"HTTP/1.1 {answer.status} S3\r\n{said}\r\n".encode() + answer.body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def _control(self, order: str) -> Answer:
        name, _, value = order.partition("=")
        if name == "wait":
            self.wait_ms = min(LONGEST_WAIT_MS, int(value))
        if name == "reset":
            self.counts.clear()
        return Answer(body=json.dumps(self.counts).encode())

    def _answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Answer:
        url = urlsplit(target)
        query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
        key = unquote(url.path).removeprefix("/").partition("/")[2]
        self._count(method, key, query, headers)
        match method:
            case "PUT":
                return self._put(key, query, headers, body)
            case "GET" if not key:
                return self._listed(query)
            case "GET" | "HEAD":
                return self._got(method, key, headers)
            case "POST" if "delete" in query:
                for found in _KEY.findall(body):
                    self._remove(_unescaped(found.decode()))
                return Answer(body=b"<DeleteResult></DeleteResult>")
            case "POST":
                return self._upload(key, query)
            case "DELETE":
                self._uploads.pop(query.get("uploadId", ""), None)
                if "uploadId" not in query:
                    self._remove(key)
                return Answer(204)
        return Answer(405)

    def _count(self, method: str, key: str, query: Mapping[str, str], headers: Mapping[str, str]) -> None:
        verb = "LIST" if method == "GET" and not key else "COPY" if "x-amz-copy-source" in headers else method
        if verb == "DELETE" or "delete" in query:
            self.counts["free DELETE"] += 1
        else:
            self.counts[f"{'B' if verb in ('GET', 'HEAD') else 'A'} {verb}"] += 1

    def _put(self, key: str, query: Mapping[str, str], headers: Mapping[str, str], body: bytes) -> Answer:
        there = self._objects.get(key)
        if "uploadId" in query:
            self._uploads[query["uploadId"]][int(query["partNumber"])] = body
            return Answer(headers={"ETag": _etag(body)})
        if headers.get("if-none-match") == "*" and there is not None:
            return _error(412, "PreconditionFailed")
        if "if-match" in headers and (there is None or headers["if-match"] != _etag(there)):
            return _error(412, "PreconditionFailed")
        if source := headers.get("x-amz-copy-source"):
            body = self._objects[unquote(source).removeprefix("/").partition("/")[2]]
        self._store(key, body)
        return Answer(headers={"ETag": _etag(body)})

    def _store(self, key: str, body: bytes) -> None:
        if key not in self._objects:
            self._keys.insert(bisect_left(self._keys, key), key)
        self._objects[key] = body

    def _remove(self, key: str) -> None:
        if self._objects.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def _got(self, method: str, key: str, headers: Mapping[str, str]) -> Answer:
        body = self._objects.get(key)
        if body is None:
            return _error(404, "NoSuchKey") if method == "GET" else Answer(404)
        told = {"ETag": _etag(body), "Last-Modified": formatdate(usegmt=True), "Accept-Ranges": "bytes"}
        if method == "HEAD":
            return Answer(headers=told, length=len(body))
        if "range" not in headers:
            return Answer(body=body, headers=told)
        first, _, last = headers["range"].removeprefix("bytes=").partition("-")
        start = int(first) if first else max(0, len(body) - int(last))
        end = min(len(body), int(last) + 1) if first and last else len(body)
        if start >= end:
            return _error(416, "InvalidRange")
        return Answer(206, body[start:end], {**told, "Content-Range": f"bytes {start}-{end - 1}/{len(body)}"})

    def _upload(self, key: str, query: Mapping[str, str]) -> Answer:
        if "uploads" in query:
            name = f"upload-{len(self._uploads)}"
            self._uploads[name] = {}
            result = f"<Bucket>lake</Bucket><Key>{escape(key)}</Key><UploadId>{name}</UploadId>"
            return Answer(body=_xml("InitiateMultipartUploadResult", result))
        parts = self._uploads.pop(query["uploadId"])
        body = b"".join(parts[number] for number in sorted(parts))
        self._store(key, body)
        result = f"<Key>{escape(key)}</Key><ETag>{escape(_etag(body))}</ETag>"
        return Answer(body=_xml("CompleteMultipartUploadResult", result))

    def _listed(self, query: Mapping[str, str]) -> Answer:
        if "list-type" not in query:
            return Answer(body=_xml("LocationConstraint", ""))
        prefix, delimiter = query.get("prefix", ""), query.get("delimiter")
        after = query.get("continuation-token") or query.get("start-after") or ""
        found: list[str] = []
        folders: dict[str, None] = {}
        at = max(bisect_left(self._keys, prefix), bisect_right(self._keys, after))
        limit, more = min(PAGE, int(query.get("max-keys", PAGE))), False
        for key in self._keys[at:]:
            if not key.startswith(prefix):
                break
            if len(found) + len(folders) == limit:
                more = True
                break
            after = key
            rest = key[len(prefix) :]
            if delimiter and delimiter in rest:
                folders[prefix + rest[: rest.index(delimiter) + 1]] = None
            else:
                found.append(key)
        contents = "".join(
            f"<Contents><Key>{escape(key)}</Key><LastModified>2026-11-01T00:00:00.000Z</LastModified>"
            f"<ETag>{escape(_etag(self._objects[key]))}</ETag><Size>{len(self._objects[key])}</Size></Contents>"
            for key in found
        )
        common = "".join(f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders)
        token = f"<NextContinuationToken>{escape(after)}</NextContinuationToken>" if more else ""
        told = f"<IsTruncated>{str(more).lower()}</IsTruncated><KeyCount>{len(found)}</KeyCount>{token}"
        return Answer(body=_xml("ListBucketResult", f"<Prefix>{escape(prefix)}</Prefix>{told}{contents}{common}"))


class Served:
    """A server that runs in another process."""

    def __init__(self, url: str) -> None:
        self.url = url

    def wait(self, milliseconds: int) -> None:
        """Wait so long before each answer from now on."""
        self._ordered(f"wait={milliseconds}")

    def reset(self) -> None:
        """Count from zero."""
        self._ordered("reset")

    def counts(self) -> Mapping[str, int]:
        """Requests by class and verb, such as `A PUT`."""
        counts: dict[str, int] = self._ordered("counts")
        return counts

    def _ordered(self, order: str) -> Any:
        with urllib.request.urlopen(f"{self.url}{_CONTROL}{order}") as answer:
            return json.loads(answer.read())


@contextmanager
def served() -> Iterator[Served]:
    """A server in a process of its own, which ends with the block."""
    command = [sys.executable, "-m", "tests.standin.far_s3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Served(process.stdout.readline().strip())
        finally:
            process.terminate()


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _xml(name: str, content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?><{name}>{content}</{name}>'.encode()


def _error(status: int, code: str) -> Answer:
    return Answer(status, _xml("Error", f"<Code>{code}</Code>"))


def _unescaped(text: str) -> str:
    for mark, meaning in (("&lt;", "<"), ("&gt;", ">"), ("&quot;", '"'), ("&apos;", "'"), ("&amp;", "&")):
        text = text.replace(mark, meaning)
    return text


async def main() -> None:
    """Serve until the process is ended; the first line of output is the address."""
    server = await asyncio.start_server(FarS3().serve, "127.0.0.1", 0, limit=2**20)
    port = server.sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}", flush=True)  # noqa: T201 (what its starter reads)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
