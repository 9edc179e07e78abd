-- Take over the platform's job of a slice that was left open: its run was killed while the job ran.
update ads.sync_slices
set state = 'resumed', finished_at = %(now)s
where id = (
    select id from ads.sync_slices
    where connection_id = %(connection_id)s and stream = %(stream)s and state = 'open'
      and since = %(since)s and until = %(until)s
      and remote_job_id is not null and observed_at > %(oldest)s
    order by observed_at desc
    limit 1
    for update skip locked
)
returning remote_job_id, observed_at, attempts
