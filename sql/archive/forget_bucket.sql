-- Deletes all revisions of a bucket (app, table, quarter, bucket). One row each: its number, its rows.
delete from archive.revisions
where app = %(app)s and table_name = %(table)s and quarter = %(quarter)s and bucket = %(bucket)s
returning revision, rows
