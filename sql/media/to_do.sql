select object_key, etag, state, reason, kept, variants
from media.images
where app = %(app)s and state in ('wanted', 'gone') and object_key > %(after)s
order by object_key
limit %(rows)s
