-- One row an upload of the app whose key lies after `after` and not after `until` (null: no end), by key.
select object_key, etag, state, reason, kept, variants
from media.images
where app = %(app)s
  and object_key > %(after)s
  and (%(until)s::text is null or object_key <= %(until)s)
order by object_key
