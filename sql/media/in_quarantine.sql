-- One row a refused upload of the app, of one reason, of one key, or all (both null), by key.
select object_key, reason, bytes_in, kept, changed_at
from media.images
where app = %(app)s
  and state = 'quarantined'
  and (%(reason)s::text is null or reason = %(reason)s)
  and (%(key)s::text is null or object_key = %(key)s)
order by object_key
