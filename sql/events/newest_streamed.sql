-- The newest commit of a stream whose rows landed.
select snapshot_id, sequence
from ingest.streamed
where app = %(app)s and source = %(source)s
order by landed_at desc, sequence desc
limit 1
