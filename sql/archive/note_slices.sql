-- Records what the source now says of the slices of a sealed revision (app, table, quarter, bucket, revision, slices).
update archive.revisions
set slices = %(slices)s
where app = %(app)s and table_name = %(table)s and quarter = %(quarter)s and bucket = %(bucket)s
    and revision = %(revision)s and state = 'sealed'
