// The tracking Worker: `POST /events` takes events of a site, `GET /dashboards/…` gives a dashboard's value out of KV.
import { completed, known, refusal } from "./event.js";
import { organisation } from "./keys.js";

export { EventBatches } from "./event_batches.js";

const MOST_BYTES = 1 << 20;
const MOST_EVENTS = 500;
const LONGEST_LINE = 128 << 10;

export default {
  async fetch(request, env) {
    const { pathname, searchParams } = new URL(request.url);
    const cors = crossOrigin(request, env);
    if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: cors });
    const [, place, ...path] = pathname.split("/").map(decoded);
    if (place === "events" && !path.length) {
      if (request.method !== "POST") return answer(405, { error: "POST events here" }, { ...cors, allow: "POST" });
      return answer(...(await taken(request, searchParams, env)), cors);
    }
    if (place === "dashboards" && path.length) return answer(...(await dashboard(request, path, env)), cors);
    return answer(404, { error: "POST /events, or GET /dashboards/ORG_TAG/NAME" }, cors);
  },
};

async function taken(request, query, env) {
  const key = request.headers.get("x-write-key") ?? query.get("key");
  const tag = await organisation(key, "write", env.KEY_SECRETS);
  if (!tag) return [401, { error: "no write key of an organisation: header x-write-key, or ?key=" }];
  const body = await bounded(request);
  if (body === null) return [413, { error: `more than ${MOST_BYTES} bytes; send smaller batches` }];
  const events = parsed(body);
  if (events === null) return [400, { error: "neither a JSON object, an array of them, nor one a line" }];
  if (events.length > MOST_EVENTS) return [413, { error: `more than ${MOST_EVENTS} events; send smaller batches` }];
  const { lines, refused, withoutConsent } = sifted(events, known(tag, request));
  if (lines.length && !(await kept(lines, env))) return [503, { error: "try again in a minute" }, { "retry-after": "60" }];
  const nothing = refused.length && refused.length === events.length;
  return [nothing ? 422 : 202, { accepted: lines.length, without_consent: withoutConsent, refused }];
}

function sifted(events, facts) {
  const found = { lines: [], refused: [], withoutConsent: 0 };
  events.forEach((event, index) => {
    const whole = typeof event === "object" && !Array.isArray(event) && event ? completed(event, facts) : event;
    const why = refusal(whole);
    const line = why ? "" : JSON.stringify(whole);
    if (why) found.refused.push({ index, ...why });
    else if (line.length > LONGEST_LINE) found.refused.push({ index, reason: "over_long" });
    // Nothing is kept of a visitor who did not agree, not even that there was one.
    else if (!whole.consent_analytics) found.withoutConsent += 1;
    else found.lines.push(line);
  });
  return found;
}

// Whether a Durable Object has the lines. Any one does: the order of events is their time's.
async function kept(lines, env) {
  const shard = Math.floor(Math.random() * Number(env.SHARDS ?? 1));
  try {
    await env.EVENTS.get(env.EVENTS.idFromName(`shard-${shard}`)).keep(lines);
    return true;
  } catch (error) {
    console.error(`events were not kept: ${error.name}`);
    return false;
  }
}

async function dashboard(request, path, env) {
  if (request.method !== "GET") return [405, { error: "GET dashboards" }, { allow: "GET" }];
  const key = /^Bearer (.+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  const tag = await organisation(key, "read", env.KEY_SECRETS);
  if (!tag || tag !== path[0]) return [401, { error: "no read key of this organisation: header authorization: Bearer KEY" }];
  const value = await env.CACHE.get(`dashboard:${path.join(":")}`, { type: "json", cacheTtl: 60 });
  return value === null ? [404, { error: "no such dashboard, or it has not been made yet" }] : [200, value];
}

// The body as text; null where it is too long, whatever its header says.
async function bounded(request) {
  const parts = [];
  let size = 0;
  for await (const part of request.body ?? []) {
    size += part.byteLength;
    if (size > MOST_BYTES) return null;
    parts.push(part);
  }
  return new Blob(parts).text();
}

// The events of a body: one, an array of them, or one a line; null where it is none of these.
function parsed(body) {
  try {
    const whole = JSON.parse(body);
    return Array.isArray(whole) ? whole : [whole];
  } catch {
    try {
      return body.split("\n").filter((line) => line.trim()).map((line) => JSON.parse(line));
    } catch {
      return null;
    }
  }
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function crossOrigin(request, env) {
  const origin = request.headers.get("origin");
  const origins = (env.ORIGINS ?? "*").split(",").map((one) => one.trim());
  const allowed = origins.includes("*") ? "*" : origins.includes(origin) ? origin : null;
  if (!allowed) return { vary: "origin" };
  return {
    "access-control-allow-origin": allowed,
    "access-control-allow-methods": "GET, POST",
    "access-control-allow-headers": "authorization, content-type, x-write-key",
    "access-control-max-age": "86400",
    vary: "origin",
  };
}

function answer(status, value, ...headers) {
  return Response.json(value, { status, headers: Object.assign({ "cache-control": "no-store" }, ...headers) });
}
