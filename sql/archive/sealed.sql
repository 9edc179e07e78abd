select *
from archive.sealed
where app = %(app)s and table_name = %(table)s and (%(quarter)s::text is null or quarter = %(quarter)s)
order by quarter, bucket
