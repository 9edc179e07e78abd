-- One row: the server's own number, its present timeline, and the size of a segment of its log in bytes.
select
    (select system_identifier::text from pg_control_system()) as system,
    ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::int as timeline,
    pg_size_bytes(current_setting('wal_segment_size')) as segment_bytes
