-- One row: the id at which the log ends now, the oldest id that it still has, and the time.
select
    coalesce((select seq from sqlite_sequence where name = 'backup_log'), 0) as end_id,
    (select min(id) from backup_log) as first_id,
    strftime('%Y-%m-%dT%H:%M:%fZ', 'now') as moment
