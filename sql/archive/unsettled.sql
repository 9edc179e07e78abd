select *
from archive.revisions
where app = %(app)s and table_name = %(table)s and (%(quarter)s::text is null or quarter = %(quarter)s)
    and state <> 'sealed'
order by quarter, bucket, revision
