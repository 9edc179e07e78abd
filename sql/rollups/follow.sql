-- Moves the cursor of an app: the last commit of its lake table that was followed (snapshot_id, sequence), and when (at).
insert into rollups.followed (app, snapshot_id, sequence, followed_at)
values (%(app)s, %(snapshot_id)s, %(sequence)s, %(at)s)
on conflict (app) do update
set snapshot_id = excluded.snapshot_id, sequence = excluded.sequence, followed_at = excluded.followed_at
