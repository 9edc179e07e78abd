-- One row: how many leads came in a time. Parameters: since, until.
select count(*) as rows from marketing.leads where created_at >= %(since)s and created_at < %(until)s
