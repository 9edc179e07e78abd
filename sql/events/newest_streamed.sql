-- The newest commit of a stream whose rows landed.
select snapshot_id, sequence
from ingest.streamed
where app = %(app)s and source = %(source)s and table_uuid = %(table_uuid)s
order by sequence desc
limit 1
