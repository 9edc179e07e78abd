"""The tracking Worker on Cloudflare's own runtime, over an R2 that fails as often as a test says; and its clients."""

import base64
import hmac
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from tests.pages import blocks
from tests.workerd.local_runtime import WorkerCode, Workerd, running

SOURCES = Path(__file__).resolve().parents[2] / "deploy" / "worker" / "src"
SECRETS = ("the newer secret", "the older secret")
# The Worker as it is deployed, with its bindings, over an R2 that fails as often as the test says: one put in so many,
# half of them after it has stored the object.
SERVED = """
import worker from "./index.js";
import { EventBatches as Batches } from "./event_batches.js";
import { SessionPoints as Points } from "./session_points.js";
const fails = (env) => {
  const bucket = env.BUCKET_0;
  return { ...env, FLUSH_SECONDS: "1", LANDING: { async put(...given) {
    const n = Math.random() * FAILING;
    if (n < 0.5) throw new Error("R2 said no");
    const put = await bucket.put(...given);
    if (n < 1) throw new Error("R2 said nothing");
    return put;
  } } };
};
export class EventBatches extends Batches { constructor(ctx, env) { super(ctx, fails(env)); } }
export class SessionPoints extends Points { constructor(ctx, env) { super(ctx, fails(env)); } }
async function pasted(env, { userId, sessionId, values }) {
  PASTED
  return seq;
}
export default { async fetch(request, env) {
  const url = new URL(request.url);
  if (url.pathname === "/points") {
    return Response.json(await pasted({ POINTS: env.SessionPoints }, await request.json()));
  }
  const bindings = { EVENTS: env.EventBatches, CACHE: env.KV_0 };
  return worker.fetch(request, { ...env, ...bindings, KEY_SECRETS, SHARDS: "2", ORIGINS });
} };
"""
EVENT: dict[str, Any] = {
    "session_id": "s1",
    "anonymous_id": "v1",
    "event_type": "page_view",
    "page_url": "https://shop.example/a?b=c",
    "page_title": "A",
    "page_path": "/a",
    "page_hostname": "shop.example",
    "device_type": "mobile",
    "viewport_width": 390,
    "viewport_height": 844,
    "browser_name": "Firefox",
    "browser_language": "en",
    "consent_analytics": True,
}


def key(tag: str, purpose: str = "write", secret: str = SECRETS[0]) -> str:
    """A key as docs/landing.md says that one is made."""
    signed = hmac.digest(secret.encode(), f"{purpose}:{tag}".encode(), "sha256")
    return f"{tag}.{base64.urlsafe_b64encode(signed).decode().rstrip('=')}"


def code(*, failing: float = 1e9, origins: str = "*") -> WorkerCode:
    settings = {"FAILING": failing, "ORIGINS": origins, "KEY_SECRETS": ",".join(SECRETS)}
    lines = "".join(f"const {name} = {json.dumps(value)};\n" for name, value in settings.items())
    (page,) = (block.text for block in blocks("landing.md") if block.language == "js")
    pasted = page.replace("values: { temperature: 191.5 }", "values")
    modules = {file.name: file.read_text() for file in SOURCES.iterdir()}
    return WorkerCode(
        {**modules, "w.mjs": lines + SERVED.replace("PASTED", pasted)}, objects=("EventBatches", "SessionPoints")
    )


@contextmanager
def served(folder: Path, **options: Any) -> Iterator[Workerd]:
    with running(folder, databases=1, namespaces=1, worker=code(**options)) as local:
        yield local


def post(local: Workerd, body: Any, **options: Any) -> requests.Response:
    headers = {"x-write-key": key("a3f7c2"), **options.pop("headers", {})}
    data = body if isinstance(body, bytes | str) else json.dumps(body)
    return requests.post(local.url + "/events", data=data, headers=headers, timeout=30, **options)
