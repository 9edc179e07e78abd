-- Records that an upload has its variants, if it is still wanted with the etag `seen`. Changes one row or none.
-- Parameters: app, key, seen; etag, variants, bytes_in, bytes_out, width and height of what was made; at.
update media.images
set state = 'made', etag = %(etag)s, reason = null, kept = false, variants = %(variants)s::jsonb,
    bytes_in = %(bytes_in)s, bytes_out = %(bytes_out)s, width = %(width)s, height = %(height)s, changed_at = %(at)s
where app = %(app)s and object_key = %(key)s and state = 'wanted' and etag = %(seen)s
