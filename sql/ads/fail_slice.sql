-- Records that a slice failed, and why. Parameters: app, slice_id, error_code, error, now.
update ads.sync_slices
set state = 'failed', error_code = %(error_code)s, error = %(error)s, finished_at = %(now)s
where id = %(slice_id)s and app = %(app)s
