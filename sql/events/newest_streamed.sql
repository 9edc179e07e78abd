-- The newest commit whose rows landed of an app's stream: of the table source, while its id was table_uuid.
select snapshot_id, sequence
from ingest.streamed
where app = %(app)s and source = %(source)s and table_uuid = %(table_uuid)s
order by sequence desc
limit 1
