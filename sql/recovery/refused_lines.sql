-- One row per refused line of the batches of an app with these bytes (array checksums).
select sha256, line
from ingest.quarantine
where app = %(app)s and sha256 = any(%(checksums)s::text[])
