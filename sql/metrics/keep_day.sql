insert into job_places (job, place)
$agreed
on conflict (job) do update set
    place = max(job_places.place, excluded.place),
    updatedAt = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')
