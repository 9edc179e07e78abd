-- A slice that is known is marked as merged; a replayed one of another database is written down anew.
update ads.sync_slices
set state = 'merged', pages = %(pages)s, rows = %(rows)s, inserted = %(inserted)s, updated = %(updated)s,
    deleted = %(deleted)s, final_until = %(final_until)s, finished_at = %(now)s, error_code = null, error = null
where id = %(slice_id)s
