-- One row a refused line of an app (app) whose run began before `before`: row_id; held_back is always null.
select t.ctid as row_id, null::text as held_back
from ingest.quarantine as t
where t.app = %(app)s
    and exists (select from ingest.runs r where r.ingest_id = t.ingest_id and r.started_at < %(before)s)
