-- One row per refused line of the app in one state (`open`, `landing`: its replay has begun, `closed`): of one reason,
-- field, value, batch (its key, its folder, or the start of its checksum) and replay (the folder that it landed in
-- again); null for all. Lines of one object are together.
select
    quarantine.sha256, quarantine.line, quarantine.object_key, quarantine.reason, quarantine.field, quarantine.value,
    quarantine.kept, quarantine.replayed_as, quarantine.replayed_at
from ingest.quarantine
join ingest.runs using (ingest_id)
where quarantine.app = %(app)s and runs.state = 'committed'
    and %(state)s = case
        when replayed_at is not null then 'closed' when replayed_as <> '' then 'landing' else 'open'
    end
    and (%(reason)s::text is null or reason = %(reason)s)
    and (%(field)s::text is null or field = %(field)s)
    and (%(value)s::text is null or value = %(value)s)
    and (
        %(batch)s::text is null or starts_with(sha256, %(batch)s) or object_key = %(batch)s
        or starts_with(object_key, %(batch)s || '/')
    )
    and (%(replay)s::text is null or replayed_as = %(replay)s)
order by object_key, sha256, line
