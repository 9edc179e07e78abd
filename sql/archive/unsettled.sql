-- One row a revision of a table (app, table) that is not sealed, of one quarter or of all where quarter is null.
select *
from archive.revisions
where app = %(app)s and table_name = %(table)s and (%(quarter)s::text is null or quarter = %(quarter)s)
    and state <> 'sealed'
order by quarter, bucket, revision
