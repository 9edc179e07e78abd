-- Ends the runs of a connection that never said how they ended, because their process was killed. One that still runs
-- beside the next one says so itself at its end. Parameters: app, connection_id, now.
update ads.sync_runs
set status = 'error', error_code = 'killed', finished_at = %(now)s,
    error = 'The run was killed, or still runs beside the next one. Next: nothing; the next run takes over its work'
where app = %(app)s and connection_id = %(connection_id)s and status = 'running'
