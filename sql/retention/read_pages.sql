-- One row a raw page (array keys) of a slice of an app (app) that was merged, or that nobody will merge because it
-- failed or was resumed by another slice: key; held_back is always null.
select listed.key, null::text as held_back
from unnest(%(keys)s::text[]) as listed (key)
join ads.sync_slices as s on s.raw_prefix = regexp_replace(listed.key, '/[^/]*$', '')
where s.app = %(app)s and s.state in ('merged', 'failed', 'resumed')
