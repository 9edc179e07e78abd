-- Records what a bundle of keys of a family holds in KV: one row a key. Parameters: namespace, family, written_at, and
-- of each key its entry in the arrays keys, tenants, hashes, bytes, expiries.
insert into cache.entries (namespace, key, family, tenant, hash, bytes, expires_at, written_at)
select %(namespace)s, key, %(family)s, tenant, hash, bytes, expires_at, %(written_at)s
from unnest(%(keys)s::text[], %(tenants)s::text[], %(hashes)s::bytea[], %(bytes)s::integer[], %(expiries)s::timestamptz[])
    as written (key, tenant, hash, bytes, expires_at)
on conflict (namespace, key) do update
set family = excluded.family,
    tenant = excluded.tenant,
    hash = excluded.hash,
    bytes = excluded.bytes,
    expires_at = excluded.expires_at,
    written_at = excluded.written_at
