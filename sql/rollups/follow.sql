-- Moves the cursor of an app: the last commit of its lake table that was followed (snapshot_id), and when (at).
insert into rollups.followed (app, snapshot_id, followed_at)
values (%(app)s, %(snapshot_id)s, %(at)s)
on conflict (app) do update set snapshot_id = excluded.snapshot_id, followed_at = excluded.followed_at
