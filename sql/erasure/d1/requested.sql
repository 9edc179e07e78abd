-- One row a request of the application that was not taken over: id, subject, kind, in the order in which they came.
select id, subject, kind, requested_at
from erasure_requests
where state = 'requested'
order by requested_at, id
