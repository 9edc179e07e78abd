-- Writes down what becomes of refused lines of the app (checksums and lines, side by side): the folder that they land
-- in again (replayed_as), and when they are closed (replayed_at; null for lines that are not).
update ingest.quarantine
set replayed_as = %(replayed_as)s, replayed_at = %(replayed_at)s
from unnest(%(checksums)s::text[], %(lines)s::bigint[]) as changed (sha256, line)
where quarantine.app = %(app)s and quarantine.sha256 = changed.sha256 and quarantine.line = changed.line
