-- One row a request of the application whose export is not made: id, subject, kind, organisation, in the order in which
-- they came.
select id, subject, kind, organisation, requested_at
from pipelines.export_requests
where state = 'requested'
order by requested_at, id
