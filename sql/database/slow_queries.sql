-- One row a statement of this database, the slowest on average first. Its constants are $1, $2, …; statements in which the
-- server leaves constants as they are, such as those that set passwords, are left out. $view is the view of statement
-- statistics. Parameters: mean (milliseconds at least), calls (at least), rows (how many at most).
select
    queryid::text as query_id,
    calls,
    mean_exec_time as mean_ms,
    total_exec_time as total_ms,
    left(regexp_replace(query, '\s+', ' ', 'g'), 200) as query
from $view
where
    dbid = (select oid from pg_database where datname = current_database())
    and mean_exec_time >= %(mean)s
    and calls >= %(calls)s
    and query ~* '^\s*(/\*.*?\*/\s*)*(select|insert|update|delete|merge|with)\M'
order by mean_exec_time desc
limit %(rows)s
