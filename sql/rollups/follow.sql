insert into rollups.followed (snapshot_id, followed_at)
values (%(snapshot_id)s, %(at)s)
on conflict (only_row) do update set snapshot_id = excluded.snapshot_id, followed_at = excluded.followed_at
