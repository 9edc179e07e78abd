-- One row a table of the database's own schemas, the largest first: sizes, dead rows beside the number at which the server
-- itself would vacuum, changed rows beside that at which it would analyze, sequential scans, age of its oldest
-- transaction. bloat: the estimated share of empty space, null where the table was never analyzed. Parameters: none.
with settings as (
    select
        current_setting('autovacuum_vacuum_threshold')::float8 as vacuum_rows,
        current_setting('autovacuum_vacuum_scale_factor')::float8 as vacuum_share,
        current_setting('autovacuum_analyze_threshold')::float8 as analyze_rows,
        current_setting('autovacuum_analyze_scale_factor')::float8 as analyze_share,
        current_setting('autovacuum_freeze_max_age')::bigint as freeze_age
),

widths as (
    select schemaname, tablename, sum(avg_width * (1 - null_frac)) as width
    from pg_stats
    group by schemaname, tablename
)

select
    stats.schemaname as schema,
    stats.relname as table_name,
    pg_total_relation_size(stats.relid) as bytes,
    pg_table_size(stats.relid) as table_bytes,
    pg_indexes_size(stats.relid) as index_bytes,
    stats.n_live_tup as live,
    stats.n_dead_tup as dead,
    settings.vacuum_rows + settings.vacuum_share * greatest(tab.reltuples, 0) as vacuum_at,
    stats.n_mod_since_analyze as changed,
    settings.analyze_rows + settings.analyze_share * greatest(tab.reltuples, 0) as analyze_at,
    greatest(stats.last_vacuum, stats.last_autovacuum) as vacuumed_at,
    greatest(stats.last_analyze, stats.last_autoanalyze) as analyzed_at,
    stats.seq_scan as seq_scans,
    stats.seq_tup_read as seq_rows,
    age(tab.relfrozenxid)::bigint as xid_age,
    settings.freeze_age,
    case
        when tab.reltuples >= 0 and tab.relpages > 0 and widths.width is not null
            then 1 - tab.reltuples * (36 + widths.width) / 8168 / tab.relpages
    end as bloat
from pg_stat_user_tables as stats
inner join pg_class as tab on tab.oid = stats.relid
cross join settings
left join widths on widths.schemaname = stats.schemaname and widths.tablename = stats.relname
where pg_has_role(tab.relowner, 'usage')
order by bytes desc, schema, table_name
