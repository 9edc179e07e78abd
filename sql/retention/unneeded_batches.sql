-- One row an object (array keys) of the quarantine of an app's (app) events: key; held_back says why it stays. Its name
-- is the checksum of the batch whose refused lines it holds, up to the first dot.
select
    listed.key,
    case when exists (
        select from ingest.quarantine as refused
        where refused.app = %(app)s and refused.sha256 = split_part(regexp_replace(listed.key, '^.*/', ''), '.', 1)
    ) then 'refused lines in the ledger point to it: clearlift quarantine list' end as held_back
from unnest(%(keys)s::text[]) as listed (key)
