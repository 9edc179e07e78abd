-- Records that an upload was refused, if it is still wanted with the etag `seen`. Changes one row or none.
-- Parameters: app, key, seen, reason, kept (whether its bytes lie in quarantine), bytes_in, at.
update media.images
set state = 'quarantined', reason = %(reason)s, kept = %(kept)s, variants = '{}',
    bytes_in = %(bytes_in)s, bytes_out = null, width = null, height = null, changed_at = %(at)s
where app = %(app)s and object_key = %(key)s and state = 'wanted' and etag = %(seen)s
