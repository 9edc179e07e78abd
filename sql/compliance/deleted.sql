-- One row is a table or prefix of which retention deleted rows in a span of time. Parameters: app, since, until.
select store, name, sum(rows)::bigint as rows
from retention.deletions
where app = %(app)s and settled_at >= %(since)s and settled_at < %(until)s
group by store, name
