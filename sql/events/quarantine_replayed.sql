-- Marks lines of the app (checksums and line numbers, side by side) as replayed.
update ingest.quarantine
set replayed_at = %(at)s
from unnest(%(checksums)s::text[], %(lines)s::bigint[]) as replayed (sha256, line)
where
    quarantine.app = %(app)s and quarantine.sha256 = replayed.sha256 and quarantine.line = replayed.line
    and replayed_at is null
