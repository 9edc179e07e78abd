-- One row a store in which a request (app, request) was carried out, in order.
select place, rows, objects, written, gone_by, done_at
from privacy.steps
where app = %(app)s and request = %(request)s
order by position
