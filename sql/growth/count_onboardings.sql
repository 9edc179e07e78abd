-- One row: how many onboarding sessions started in a time. Parameters: since, until.
select count(*) as rows from onboarding.sessions where started_at >= %(since)s and started_at < %(until)s
