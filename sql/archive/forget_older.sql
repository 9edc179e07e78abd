-- Deletes the sealed revisions of a bucket (app, table, quarter, bucket) before its newest one.
delete from archive.revisions
using archive.sealed as newest
where newest.app = %(app)s and newest.table_name = %(table)s and newest.quarter = %(quarter)s
    and newest.bucket = %(bucket)s and revisions.app = newest.app and revisions.table_name = newest.table_name
    and revisions.quarter = newest.quarter and revisions.bucket = newest.bucket and revisions.state = 'sealed'
    and revisions.revision < newest.revision
