-- One row a request whose export is made: id, object_key, url, expires_at, and whether it has expired at ?1.
select id, object_key, url, expires_at, expires_at <= ?1 as has_expired
from export_requests
where state = 'ready'
order by expires_at desc, id
