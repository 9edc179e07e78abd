-- One row: the last page of an app's change log that entries of the audit trail were made of; none where there was none.
-- Parameters: app, store.
select first_transaction, first_id, first_changed_at, last_transaction, last_id
from audit.followed
where app = %(app)s and store = %(store)s
