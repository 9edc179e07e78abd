-- One row is a request to be erased that came, ended or was open in a span of time, without who it is about.
-- Parameters: app, since, until.
select kind, state, received_at, case when ended_at < %(until)s then ended_at end as ended_at, why
from privacy.requests
where app = %(app)s and received_at < %(until)s and (ended_at is null or ended_at >= %(since)s)
order by received_at, id
