-- Records rows of an app's table (app, store, name) in the transaction that deletes them; rows of one place and run add
-- up. place, rows, why, run, at.
insert into retention.deletions as known
    (app, store, name, place, intended_rows, rows, run, began_at, settled_at, why)
values (%(app)s, %(store)s, %(name)s, %(place)s, %(rows)s, %(rows)s, %(run)s, %(at)s, %(at)s, %(why)s)
on conflict (app, store, name, place, run) where store = 'postgres' do update
set intended_rows = known.intended_rows + excluded.intended_rows,
    rows = known.rows + excluded.rows,
    settled_at = excluded.settled_at
