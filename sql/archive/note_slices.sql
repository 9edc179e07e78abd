update archive.revisions
set slices = %(slices)s
where app = %(app)s and table_name = %(table)s and quarter = %(quarter)s and bucket = %(bucket)s
    and revision = %(revision)s and state = 'sealed'
