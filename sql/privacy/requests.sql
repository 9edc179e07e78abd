-- One row a request of an app, the newest first: as privacy.requests has it.
select *
from privacy.requests
where app = %(app)s
order by received_at desc, id
