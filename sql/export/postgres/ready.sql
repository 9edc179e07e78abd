-- One row a request whose export is made: id, object_key, url, expires_at, and whether it has expired at a time (at).
select id, object_key, url, expires_at, expires_at <= %(at)s as has_expired
from pipelines.export_requests
where state = 'ready'
order by expires_at desc, id
