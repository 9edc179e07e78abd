-- At most one row: the oldest alert that is to be sent or tried again at a moment (at), locked, so that of two processes
-- one sends it.
select key, title, body, severity, tries
from health.alerts
where sent_at is null and next_at <= %(at)s
order by made_at, key
limit 1
for update skip locked
