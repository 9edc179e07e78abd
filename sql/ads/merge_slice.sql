-- Records that a slice (one row) was merged, and how many rows it changed.
-- Parameters: app, slice_id, the counts pages, rows, inserted, updated and deleted, final_until, now.
update ads.sync_slices
set state = 'merged', pages = %(pages)s, rows = %(rows)s, inserted = %(inserted)s, updated = %(updated)s,
    deleted = %(deleted)s, final_until = %(final_until)s, finished_at = %(now)s, error_code = null, error = null
where id = %(slice_id)s and app = %(app)s
