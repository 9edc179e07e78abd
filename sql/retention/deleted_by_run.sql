-- One row a place of an app's table (app, store, name): how many rows a run (run) deleted there.
select place, sum(rows)::bigint as rows
from retention.deletions
where app = %(app)s and store = %(store)s and name = %(name)s and run = %(run)s and settled_at is not null
group by place
