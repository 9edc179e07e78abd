-- One row a record of an app's table (app, store, name) that a killed run left unsettled, oldest first.
select id, place, intended_rows as rows, intended_bytes as bytes, run, began_at
from retention.deletions
where app = %(app)s and store = %(store)s and name = %(name)s and settled_at is null
order by began_at, id
