-- One row a finding that is open: its last look came after its patience. The worst and oldest first.
select app, name, subject, severity, message, command, since
from health.findings
where resolved_at is null and shown_from <= seen_at
order by severity = 'critical' desc, since, app, name, subject
