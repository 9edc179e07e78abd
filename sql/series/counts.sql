select
    (select count(*) from sessions) as sessions,
    (select count(*) from partitions where family = 'sessions' and state <> 'folded') as partitions,
    (select count(*) from points) as points,
    (select count(*) from metrics) as metrics
