-- One row: how many alerts could not be sent so far (alerts), and since when (since).
select count(*) as alerts, min(made_at) as since from health.alerts where sent_at is null and tries > 0
