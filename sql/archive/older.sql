-- One row a bucket of a quarter of a table (app, table, quarter) that has sealed revisions before its newest one: the
-- bucket, and how many (older).
select bucket, count(*) - 1 as older
from archive.revisions
where app = %(app)s and table_name = %(table)s and quarter = %(quarter)s and state = 'sealed'
group by bucket
having count(*) > 1
