-- Adds to how many values a key has sealed. Parameters: key_id, seals, at.
insert into sealing.keys (key_id, first_seen_at, seals)
values (%(key_id)s, %(at)s, %(seals)s)
on conflict (key_id) do update
set seals = keys.seals + excluded.seals
