-- One row: the transaction and the id up to which a reader has read, and the oldest transaction that still runs. Every
-- transaction below that one has ended, so that the log gets no more rows of it.
select
    coalesce(max(last_transaction)::text, '0')::bigint as last_transaction,
    coalesce(max(last_id), 0) as last_id,
    pg_snapshot_xmin(pg_current_snapshot())::text::bigint as end_transaction
from pipelines.change_log_readers
where reader = %(reader)s
