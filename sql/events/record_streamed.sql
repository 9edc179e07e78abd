-- Records once that the rows of a commit (snapshot_id, sequence) of an app's stream landed at a moment: of the table
-- source with the id table_uuid, so many rows by the table, as lines in so many batches.
insert into ingest.streamed (app, source, table_uuid, snapshot_id, sequence, rows, lines, batches, landed_at)
values (%(app)s, %(source)s, %(table_uuid)s, %(snapshot_id)s, %(sequence)s, %(rows)s, %(lines)s, %(batches)s, %(at)s)
on conflict (app, source, snapshot_id) do nothing
