-- Records that rows of an app's table (app, store, name) are about to be deleted: place, rows, bytes, why, run, at.
-- One row, the record.
insert into retention.deletions (app, store, name, place, intended_rows, intended_bytes, run, began_at, why)
values (%(app)s, %(store)s, %(name)s, %(place)s, %(rows)s, %(bytes)s, %(run)s, %(at)s, %(why)s)
returning id, place, intended_rows as rows, intended_bytes as bytes, run, began_at
