// One event as a browser sends it, judged by the event record and completed by what only the Worker knows.
import schema from "./event.schema.json";

const { properties, required } = schema;
const TYPES = {
  string: (value) => typeof value === "string",
  integer: (value) => Number.isSafeInteger(value),
  number: (value) => typeof value === "number",
  boolean: (value) => typeof value === "boolean",
  null: (value) => value === null,
};
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/;

// What the Worker knows of a request. It overrides what the event says, and the client's address is no part of it.
export function known(tag, request) {
  const { country, region, city, timezone } = request.cf ?? {};
  const from = { geo_country: country, geo_region: region, geo_city: city, geo_timezone: timezone };
  return { ...from, user_agent: request.headers.get("user-agent") ?? undefined, org_tag: tag };
}

// An event, completed. Missing keys are given where the Worker can make them up: the moment and the id.
export function completed(event, facts) {
  return { timestamp: new Date().toISOString(), event_id: crypto.randomUUID(), ...event, ...facts };
}

// Why an event is refused, with the field; null where it is none of that.
export function refusal(event) {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return { reason: "not_an_object" };
  const missing = required.find((name) => event[name] === undefined || event[name] === null);
  if (missing) return { field: missing, reason: "missing_field" };
  for (const [name, property] of Object.entries(properties)) {
    const reason = event[name] === undefined ? null : wrong(event[name], property);
    if (reason) return { field: name, reason };
  }
  return null;
}

function wrong(value, property) {
  const allowed = property.anyOf ?? [property];
  const shape = allowed.find(({ type }) => TYPES[type](value));
  if (!shape) return "wrong_type";
  if (shape.maxLength !== undefined && [...value].length > shape.maxLength) return "over_long";
  if (shape.minLength && !value.trim()) return "blank_key";
  if (shape.format === "date-time" && !(MOMENT.test(value) && Date.parse(value))) return "wrong_type";
  return null;
}
