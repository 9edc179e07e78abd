-- Records that a key is in the key set, and whether anything live refers to it. Parameters: key_id, live (how many
-- values), at (when the count began).
insert into sealing.keys (key_id, first_seen_at, unreferenced_since)
values (%(key_id)s, %(at)s, case when %(live)s = 0 then %(at)s::timestamptz end)
on conflict (key_id) do update
set
    unreferenced_since = case when %(live)s = 0 then coalesce(keys.unreferenced_since, excluded.unreferenced_since) end,
    retired_at = null
