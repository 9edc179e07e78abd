-- Deletes a revision (app, table, quarter, bucket, revision) that a killed run left.
delete from archive.revisions
where app = %(app)s and table_name = %(table)s and quarter = %(quarter)s and bucket = %(bucket)s
    and revision = %(revision)s and state <> 'sealed'
