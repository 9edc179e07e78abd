-- One row a bucket of a table (app, table), of one quarter or of all where quarter is null: its newest sealed revision.
select *
from archive.sealed
where app = %(app)s and table_name = %(table)s and (%(quarter)s::text is null or quarter = %(quarter)s)
order by quarter, bucket
