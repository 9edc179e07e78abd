-- Takes over the platform's job of an open slice, whose run was killed while the job ran; gives that job. Locked rows
-- are skipped, because another run is taking them over.
-- Parameters: app, connection_id, stream, since and until of the slice, question (the word before a job's id that says
-- where it was given and for what), oldest (moment of the oldest usable job), now.
update ads.sync_slices
set state = 'resumed', finished_at = %(now)s
where id = (
    select id from ads.sync_slices
    where app = %(app)s and connection_id = %(connection_id)s and stream = %(stream)s and state = 'open'
      and since = %(since)s and until = %(until)s
      and starts_with(remote_job_id, %(question)s::text || ' ') and observed_at > %(oldest)s
    order by observed_at desc
    limit 1
    for update skip locked
)
returning substr(remote_job_id, length(%(question)s::text) + 2) as job_id, observed_at, attempts
