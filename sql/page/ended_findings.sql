-- One row a finding that ended since a moment (since), the newest first, at most 50: what it was, since when, and when it
-- ended.
select app, name, subject, severity, since, resolved_at as ended
from health.findings
where resolved_at >= %(since)s and shown_from <= seen_at
order by resolved_at desc, app, name, subject
limit 50
