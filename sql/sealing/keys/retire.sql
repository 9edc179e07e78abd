-- Records when a key left the key set. Parameters: key_id, at.
update sealing.keys
set retired_at = coalesce(retired_at, %(at)s)
where key_id = %(key_id)s
