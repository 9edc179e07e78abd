-- One row, if refused lines of an app's events are known that came with an object (sha256), under one key or any (empty).
select 1 as one
from ingest.quarantine
where app = %(app)s and sha256 = %(sha256)s and (%(key)s = '' or object_key = %(key)s)
limit 1
