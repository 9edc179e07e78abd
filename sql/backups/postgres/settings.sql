-- One row: the snapshot that this transaction sees and its moment (ISO 8601). Values are written in one way from now on, not as
-- server, database and login have set; names are qualified; and a table that row-level security would cut is an error.
-- The statement may take as long as it takes, because a table is one COPY.
select
    pg_current_snapshot()::text as snapshot,
    to_char(transaction_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"') as moment,
    current_setting('server_version_num')::int as server_version,
    (
        select array_agg(set_config(name, value, true))
        from (values
            ('client_encoding', 'UTF8'), ('datestyle', 'ISO, YMD'), ('intervalstyle', 'postgres'), ('timezone', 'UTC'),
            ('extra_float_digits', '3'), ('bytea_output', 'hex'), ('lc_monetary', 'C'), ('xmloption', 'content'),
            ('search_path', ''), ('row_security', 'off'), ('synchronize_seqscans', 'off'),
            ('statement_timeout', '0'), ('transaction_timeout', '0'), ('idle_in_transaction_session_timeout', '0')
        ) as wanted (name, value)
        where exists (select from pg_settings where lower(pg_settings.name) = wanted.name)
    ) as settings
