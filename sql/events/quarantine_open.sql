-- One row per refused line of the app that was not replayed: of one reason, of one batch (its key, or the start of its
-- checksum), or all. The order is fixed, because a repeated replay has to make the same bytes.
select quarantine.sha256, quarantine.line, quarantine.object_key, quarantine.reason, quarantine.field
from ingest.quarantine
join ingest.runs using (ingest_id)
where quarantine.app = %(app)s and runs.state = 'committed' and replayed_at is null
  and (%(reason)s::text is null or reason = %(reason)s)
  and (%(batch)s::text is null or starts_with(sha256, %(batch)s) or object_key = %(batch)s)
order by object_key, sha256, line
