-- A commit of a stream whose rows landed; once.
insert into ingest.streamed (app, source, table_uuid, snapshot_id, sequence, rows, lines, batches, landed_at)
values (%(app)s, %(source)s, %(table_uuid)s, %(snapshot_id)s, %(sequence)s, %(rows)s, %(lines)s, %(batches)s, %(at)s)
on conflict (app, source, snapshot_id) do nothing
