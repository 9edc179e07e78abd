-- One row a row of the log after a transaction and id, of transactions below `end_transaction`, in their order.
-- Parameters: last_transaction, last_id, end_transaction, page (how many rows at most).
select id, transaction::text::bigint as transaction, table_name, old_keys, new_keys, changed_at
from pipelines.change_log
where
    (transaction, id) > (%(last_transaction)s::text::xid8, %(last_id)s::bigint)
    and transaction < %(end_transaction)s::text::xid8
order by transaction, id
limit %(page)s
