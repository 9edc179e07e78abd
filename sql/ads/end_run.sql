-- Records how a run ended. Parameters: app, run_id, status, error_code, error, notes, requests, now.
update ads.sync_runs
set status = %(status)s, error_code = %(error_code)s, error = %(error)s, notes = %(notes)s, requests = %(requests)s,
    finished_at = %(now)s
where id = %(run_id)s and app = %(app)s
