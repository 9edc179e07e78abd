-- One row an upload of the app that is wanted or gone, after the key `after`, by key; at most `rows`.
select object_key, etag, state, reason, kept, variants
from media.images
where app = %(app)s and state in ('wanted', 'gone') and object_key > %(after)s
order by object_key
limit %(rows)s
