-- One row a request of the application that was not taken over: id, subject, kind, organisation, in the order in which
-- they came.
select id, subject, kind, organisation, requested_at
from pipelines.erasure_requests
where state = 'requested'
order by requested_at, id
