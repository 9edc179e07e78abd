// Keys that name their organisation and prove it: `{org_tag}.{HMAC-SHA-256 of "{purpose}:{org_tag}"}`, base64url.
//
// No list of keys is kept anywhere. A key that writes stands in the pages that are tracked, and reads nothing.
const encode = (text) => new TextEncoder().encode(text);
const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));

// The organisation of a key; null where it is none for this purpose. secrets: all that keys may be made with.
export async function organisation(key, purpose, secrets) {
  const [, tag, signature] = /^(.{1,64})\.([\w-]{43})$/u.exec(key ?? "") ?? [];
  if (!tag) return null;
  for (const secret of secrets.split(",").filter(Boolean)) {
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("raw", encode(secret), algorithm, false, ["verify"]);
    if (await crypto.subtle.verify("HMAC", imported, decode(signature), encode(`${purpose}:${tag}`))) return tag;
  }
  return null;
}
