-- Marks refused lines of the app (checksums and lines, side by side) as replayed at a moment.
update ingest.quarantine
set replayed_at = %(at)s
from unnest(%(checksums)s::text[], %(lines)s::bigint[]) as replayed (sha256, line)
where
    quarantine.app = %(app)s and quarantine.sha256 = replayed.sha256 and quarantine.line = replayed.line
    and replayed_at is null
