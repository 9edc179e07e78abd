select place, sum(rows)::bigint as rows
from retention.deletions
where app = %(app)s and store = %(store)s and name = %(name)s and run = %(run)s and settled_at is not null
group by place
