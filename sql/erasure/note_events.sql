-- Records that events of days (array places: organisation and day; array rows, side by side) of an app's lake table (app,
-- name) are about to be erased by a run (run, at).
insert into retention.deletions (app, store, name, place, intended_rows, rows, run, began_at, settled_at, why)
select %(app)s, 'lake', %(name)s, noted.place, noted.rows, noted.rows, %(run)s, %(at)s, %(at)s, 'erased'
from unnest(%(places)s::text[], %(rows)s::bigint[]) as noted (place, rows)
