-- One row an object (array keys) of the quarantine of an app's (app) access log: key; held_back says why it stays. Its
-- name is the checksum of the object whose refused lines it holds, up to the first dot.
select
    listed.key,
    case when exists (
        select from cache.access_refusals as refused
        join cache.access_objects as objects using (namespace, object)
        where namespace = %(app)s and objects.sha256 = split_part(regexp_replace(listed.key, '^.*/', ''), '.', 1)
    ) then 'refused lines in the ledger point to it: clearlift quarantine list' end as held_back
from unnest(%(keys)s::text[]) as listed (key)
