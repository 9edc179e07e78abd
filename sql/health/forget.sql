-- No rows. Deletes what nobody needs any more: findings that ended, alerts that were sent, and samples, each with the
-- moment from which on it stays (findings_from, samples_from).
with old_findings as (
    delete from health.findings where resolved_at < %(findings_from)s and (sent is null or sent = 'resolved')
),
old_alerts as (
    delete from health.alerts where sent_at < %(findings_from)s
)
delete from health.samples
where (measure = 'bytes' and at < %(samples_from)s) or (measure = 'milliseconds' and at < %(findings_from)s)
