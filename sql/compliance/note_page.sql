-- Writes down the page of an app's change log that entries are made of. Parameters: app, store, first_transaction, first_id,
-- first_changed_at, last_transaction, last_id.
insert into audit.followed
    (app, store, first_transaction, first_id, first_changed_at, last_transaction, last_id)
values (
    %(app)s, %(store)s, %(first_transaction)s, %(first_id)s, %(first_changed_at)s, %(last_transaction)s, %(last_id)s
)
on conflict (app, store) do update
set first_transaction = excluded.first_transaction, first_id = excluded.first_id,
    first_changed_at = excluded.first_changed_at, last_transaction = excluded.last_transaction,
    last_id = excluded.last_id
