select raw_prefix
from ads.sync_slices
where raw_prefix = any(%(folders)s::text[]) and state in ('merged', 'failed', 'resumed')
