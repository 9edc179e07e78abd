-- One row a finding of which an alert is due, locked: it is new, worse than the last alert said, or resolved. It is new
-- by the look that found it still so after its patience. urgent_only: only critical ones, in quiet hours.
select
    app, name, subject, severity, message, command, since, resolved_at,
    case when resolved_at is null then severity else 'resolved' end as state
from health.findings
where shown_from <= seen_at
    and case
        when resolved_at is null then sent is null or (sent = 'warning' and severity = 'critical')
        else sent in ('warning', 'critical')
    end
    and (not %(urgent_only)s or (resolved_at is null and severity = 'critical'))
order by resolved_at is null desc, severity = 'critical' desc, since, app, name, subject
for update
