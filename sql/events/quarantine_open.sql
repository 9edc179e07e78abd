select sha256, line, object_key, reason, field
from ingest.quarantine
join ingest.runs using (ingest_id)
where runs.state = 'committed' and replayed_at is null
  and (%(reason)s::text is null or reason = %(reason)s)
  and (%(batch)s::text is null or sha256 like %(batch)s || '%%' or object_key = %(batch)s)
order by object_key, sha256, line
