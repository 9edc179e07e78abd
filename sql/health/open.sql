-- One row a finding that is open at a moment (at), the worst and oldest first.
select app, name, subject, severity, message, command, since
from health.findings
where resolved_at is null and shown_from <= %(at)s
order by severity = 'critical' desc, since, app, name, subject
