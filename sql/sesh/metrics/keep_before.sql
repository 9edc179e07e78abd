insert into job_places (job, place)
select ?1, ?2
where not exists (select 1 from stale_metrics where grain in ('hourly', 'daily') and windowStart < ?2)
on conflict (job) do update set
    place = max(job_places.place, excluded.place),
    updatedAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
