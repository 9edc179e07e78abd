-- Deletes a run (ingest_id) of an app whose commit never reached the lake. Its batches and refused lines go with it.
delete from ingest.runs where app = %(app)s and ingest_id = %(ingest_id)s
