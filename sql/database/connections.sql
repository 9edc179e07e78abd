-- One row: how many connections of clients the server has, how many it admits, how many of them are in this database, and
-- of these how many have been idle in a transaction for long. Parameters: seconds (what is long).
select
    (select count(*) from pg_stat_activity where backend_type = 'client backend') as used,
    current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int as admitted,
    count(*) as in_database,
    count(*) filter (where state = 'active') as active,
    count(*) filter (
        where state like 'idle in transaction%%' and state_change < now() - make_interval(secs => %(seconds)s)
    ) as stuck,
    coalesce(max(extract(epoch from now() - xact_start)), 0)::float8 as longest_transaction_seconds
from pg_stat_activity
where datname = current_database() and backend_type = 'client backend'
